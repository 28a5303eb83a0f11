//! `orderwright:policy@0.1.x`.

mod carrier;
mod channel;
pub(super) mod exchange;
mod notification;
mod payment;
mod pricing;
mod risk;
mod routing;
mod shipping;
mod tax;

use domain::hooks::{self, Hook};
use domain::time::Date;
use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::RECORD_BYTES;
use super::speak::{Unreadable, World};

use crate::limiter::State;
use crate::log::Level;

/// What this revision's interfaces are called in a component.
pub const VERSION: &str = "0.1.0";

mod shared {
    wasmtime::component::bindgen!({
        inline: "
            package orderwright:host;
            world shared {
                import orderwright:policy/types@0.1.0;
                import orderwright:policy/log@0.1.0;
                import orderwright:policy/exchange@0.1.0;
            }
        ",
        path: "../../wit/0.1.0",
        world: "orderwright:host/shared",
    });
}

pub use shared::orderwright::policy::{exchange as exchanged, log, types};

impl From<log::Level> for Level {
    fn from(level: log::Level) -> Self {
        match level {
            log::Level::Debug => Self::Debug,
            log::Level::Info => Self::Info,
            log::Level::Warn => Self::Warn,
            log::Level::Error => Self::Error,
        }
    }
}

impl types::Host for State {}

impl exchanged::Host for State {}

pub(super) fn context(context: &hooks::Context) -> types::Context {
    types::Context { now: context.now.micros(), config: context.config.clone() }
}

fn destination(destination: &hooks::Destination) -> types::Destination {
    types::Destination {
        country: destination.country.clone(),
        region: destination.region.clone(),
        city: destination.city.clone(),
        zip: destination.zip.clone(),
    }
}

/// Reads a day as the guest wrote it.
fn date(text: Option<String>, what: &str) -> Result<Option<Date>, Unreadable> {
    let read = |text: String| text.parse().map_err(|_| Unreadable(format!("{what} is not a day: {text:?}")));
    text.map(read).transpose()
}

/// The world of a hook.
pub fn world(pre: InstancePre<State>, hook: Hook) -> wasmtime::Result<World> {
    Ok(match hook {
        Hook::Routing => World::policy(routing::RoutingPre::new(pre)?),
        Hook::Pricing => World::policy(pricing::PricingPre::new(pre)?),
        Hook::Shipping => World::policy(shipping::ShippingPre::new(pre)?),
        Hook::Tax => World::policy(tax::TaxPre::new(pre)?),
        Hook::Risk => World::policy(risk::RiskPre::new(pre)?),
        Hook::Notification => World::policy(notification::NotificationPre::new(pre)?),
        Hook::Payment => World::adapter(payment::PaymentPre::new(pre)?),
        Hook::Carrier => World::adapter(carrier::CarrierPre::new(pre)?),
        Hook::Channel => World::adapter(channel::ChannelPre::new(pre)?),
    })
}

/// What every world imports.
pub fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    exchanged::add_to_linker::<_, HasSelf<_>>(linker, |state| state)?;
    linker.instance("orderwright:policy/log@0.1.0")?.func_wrap("write", super::write::<log::Level>)
}
