//! The demo merchant: made once, found again at every start.

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use app::App;
use app::hooks::Install;
use app::merchant::{Caller, Scope, Settings};
use app::stock::Warehouse;
use domain::hooks::{FailurePolicy, Hook, Slot};
use domain::ids::{Sku, TenantId, WarehouseId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Args;
use super::provider::Provider;
use crate::instance::REFERENCE_POLICIES;

const NAME: &str = "demo";
/// Where the key of the demo merchant is kept for `orderwright import` and for the next start.
const FILE: &str = "dev.json";
const SECRET: &str = "api_key";
const CALLBACK_SECRET: &str = "callback_secret";

/// Id, name, region, postal code, latitude and longitude in millionths of a degree, priority.
type DemoWarehouse = (&'static str, &'static str, &'static str, &'static str, i32, i32, i32);
const WAREHOUSES: [DemoWarehouse; 2] = [
    ("WH-NYC", "New York", "NY", "10001", 40_712_800, -74_006_000, 1),
    ("WH-LAX", "Los Angeles", "CA", "90001", 34_052_200, -118_243_700, 2),
];
/// SKU, and units in New York and in Los Angeles.
const STOCK: [(&str, i64, i64); 5] = [
    ("MUG-BLUE", 1000, 1000),
    ("MUG-RED", 500, 0),
    ("TEA-GREEN", 0, 500),
    ("POSTER-A2", 200, 200),
    ("SKU-123", 100_000, 100_000),
];

/// What a start has found or made.
pub struct Demo {
    pub tenant: TenantId,
    pub api_key: String,
    pub warehouses: String,
    pub stock: String,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    url: String,
    api_key: String,
    tenant: TenantId,
}

/// Makes sure that the demo merchant is there, and that the reference policies decide wherever nothing else is bound.
pub async fn prepare(app: &App, args: &Args, policies: &Path, provider: &Provider, url: &str) -> anyhow::Result<Demo> {
    let found = app.merchants().await?.into_iter().find(|merchant| merchant.name == NAME);
    let is_new = found.is_none();
    let merchant = match found {
        Some(merchant) => merchant,
        None => app.create_merchant(NAME, Settings::new("USD".parse()?, "US")).await?,
    };
    let tenant = merchant.tenant_id;
    let mut settings = merchant.settings.clone();
    settings.payment_retry_seconds = args.payment_retry_seconds;
    settings.reads = args.rate_limit;
    settings.writes = args.rate_limit;
    if settings != merchant.settings {
        app.update_settings(tenant, &settings).await?;
    }
    let api_key = key(app, args, tenant).await?;
    let caller = app.authenticate(&api_key).await?.context("the demo merchant's key is not accepted")?;
    if is_new {
        fill(app, &caller).await?;
    }
    for merchant in app.merchants().await? {
        bind(app, merchant.tenant_id, policies, provider, merchant.tenant_id == tenant).await?;
    }
    let address = app.callback_address(tenant, &Slot::usual(Hook::Payment)).await?;
    provider.call_at(&format!("{url}/callbacks/{}", address.token)).await?;
    remember(&args.data, &Remembered { url: url.to_owned(), api_key: api_key.clone(), tenant })?;
    let warehouses = WAREHOUSES.map(|warehouse| warehouse.0).join(", ");
    let stock = STOCK.map(|(sku, ..)| sku).join(", ");
    Ok(Demo { tenant, api_key, warehouses, stock })
}

/// The key of the last start, or a new one: the store keeps only its hash.
async fn key(app: &App, args: &Args, tenant: TenantId) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(args.data.join(FILE)).ok();
    let remembered: Option<Remembered> = text.and_then(|text| serde_json::from_str(&text).ok());
    if let Some(remembered) = remembered
        && app.authenticate(&remembered.api_key).await?.is_some_and(|caller| caller.tenant() == tenant)
    {
        return Ok(remembered.api_key);
    }
    Ok(app.create_key(tenant, "demo key", &Scope::ALL, None).await?.secret)
}

fn remember(data: &Path, remembered: &Remembered) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = data.join(FILE);
    let partial = data.join("dev.json.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(serde_json::to_string_pretty(remembered)?.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))
}

async fn fill(app: &App, caller: &Caller) -> anyhow::Result<()> {
    for (id, name, region, zip, latitude, longitude, priority) in WAREHOUSES {
        let warehouse = Warehouse {
            warehouse_id: warehouse_id(id)?,
            name: name.to_owned(),
            country: "US".to_owned(),
            region: Some(region.to_owned()),
            zip: Some(zip.to_owned()),
            latitude_e6: Some(latitude),
            longitude_e6: Some(longitude),
            priority,
            seller_id: None,
            cutoff: None,
            time_zone: None,
        };
        app.put_warehouse(caller.tenant(), &warehouse).await?;
    }
    for (sku, nyc, lax) in STOCK {
        let sku = Sku::parse(sku).map_err(anyhow::Error::msg)?;
        for (warehouse, units) in [(WAREHOUSES[0].0, nyc), (WAREHOUSES[1].0, lax)] {
            if units > 0 {
                app.put_inventory(caller, sku.clone(), warehouse_id(warehouse)?, units).await?;
            }
        }
    }
    Ok(())
}

fn warehouse_id(text: &str) -> anyhow::Result<WarehouseId> {
    WarehouseId::parse(text).map_err(anyhow::Error::msg)
}

/// Binds the reference policies where nothing else is bound, and tells the payment adapter where the provider is now, and
/// whether that calls: it has one endpoint, which is the demo merchant's.
async fn bind(
    app: &App,
    tenant: TenantId,
    policies: &Path,
    provider: &Provider,
    is_called: bool,
) -> anyhow::Result<()> {
    app.put_secret(tenant, SECRET, sandbox_provider::API_KEY_DEFAULT).await?;
    app.put_secret(tenant, CALLBACK_SECRET, sandbox_provider::CALLBACK_SECRET_DEFAULT).await?;
    let bound = app.bound(tenant).await?;
    for (hook, file, name) in REFERENCE_POLICIES {
        let slot = Slot::usual(hook);
        if bound.get(&slot).is_some_and(|other| other.revision > 0 && other.plugin != name) {
            continue;
        }
        let path = policies.join(format!("{file}.wasm"));
        let wasm = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let is_payment = hook == Hook::Payment;
        let config = match is_payment {
            true if is_called => json!({"base_url": provider.url(), "callback_secret": CALLBACK_SECRET}),
            true => json!({"base_url": provider.url()}),
            false => json!({}),
        };
        // Loopback is granted here and nowhere else: the sandbox provider is this process's own child.
        let hosts = if is_payment { vec![provider.host()] } else { Vec::new() };
        let on_failure = if hook == Hook::Routing { FailurePolicy::Fallback } else { FailurePolicy::Hold };
        let secrets = if is_payment { vec![SECRET.to_owned()] } else { Vec::new() };
        let (name, config) = (name.to_owned(), config.to_string());
        let request = Install { slot, name, wasm, config, on_failure, hosts, secrets };
        app.install(tenant, request).await.with_context(|| format!("{} is refused", path.display()))?;
    }
    Ok(())
}
