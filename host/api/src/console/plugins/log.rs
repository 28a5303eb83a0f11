//! What a plugin wrote, on its page and as it is written.

use app::observed::{Level, Line, Lines, Place, Start, Wanted};
use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::ids::{PluginId, TenantId};
use serde::Deserialize;

use crate::console::session::Author;
use crate::console::text;
use crate::html::{self, PageProblem};
use crate::path::Id;
use crate::problem::Problem;
use crate::routes::observed::level;
use crate::{Api, cursor};

const CURSOR: &str = "console-log";
/// Lines of a page, and of what comes later at once.
const LINES: usize = 100;

/// What is asked of a log.
#[derive(Deserialize, Default, Clone)]
#[serde(default)]
pub struct Asked {
    level: String,
    version: String,
    before: String,
    after: String,
}

/// The log on a plugin's page.
pub struct Panel {
    pub lines: Vec<Shown>,
    pub levels: Vec<(&'static str, bool)>,
    pub versions: Vec<(String, bool)>,
    pub level: &'static str,
    pub version: String,
    /// The cursor of older lines.
    pub older: Option<String>,
    pub is_newest: bool,
    /// The place after which it goes on.
    pub follow: String,
}

/// A line in words.
pub struct Shown {
    pub time: String,
    pub level: &'static str,
    pub tone: &'static str,
    pub version: String,
    /// Empty where the call simply counted.
    pub role: &'static str,
    pub order_id: String,
    pub message: String,
}

/// What was written later, for the script.
#[derive(Template)]
#[template(path = "plugins/lines.html")]
struct Later {
    lines: Vec<Shown>,
    follow: String,
}

/// `GET /plugins/{id}/lines`: what was written after a place, oldest first.
pub async fn later(
    State(api): State<Api>,
    author: Author,
    plugin: Result<Id<PluginId>, Problem>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, PageProblem> {
    let (Id(plugin), Query(asked)) = (plugin?, asked.unwrap_or_default());
    let tenant = author.0.tenant();
    let versions = super::versions(&api, tenant, plugin).await?;
    let name = versions.first().map(|version| version.plugin.as_str()).unwrap_or_default();
    let after = cursor::open_given::<Place>(&api.app, CURSOR, tenant, Some(asked.after.clone()))?;
    let found = lines(&api, tenant, name, &asked, after.map_or(Start::Newest, Start::After)).await?;
    let follow = cursor::seal(&api.app, CURSOR, Some(tenant), found.follow);
    html::page(StatusCode::OK, &Later { lines: found.lines.iter().map(Shown::new).collect(), follow })
}

/// The newest lines, or those before a place.
pub async fn panel(
    api: &Api,
    tenant: TenantId,
    name: &str,
    versions: &[String],
    asked: &Asked,
) -> Result<Panel, PageProblem> {
    let before: Option<Place> = cursor::open(&api.app, CURSOR, Some(tenant), &asked.before);
    let found = lines(api, tenant, name, asked, before.map_or(Start::Newest, Start::Before)).await?;
    let seal = |place: Place| cursor::seal(&api.app, CURSOR, Some(tenant), place);
    let chosen = wanted_level(asked);
    Ok(Panel {
        lines: found.lines.iter().map(Shown::new).collect(),
        levels: Level::ALL.into_iter().map(|level| (level.name(), level == chosen)).collect(),
        versions: versions.iter().map(|version| (version.clone(), *version == asked.version)).collect(),
        level: chosen.name(),
        version: asked.version.clone(),
        older: found.next.map(seal),
        is_newest: before.is_none(),
        follow: seal(found.follow),
    })
}

async fn lines(api: &Api, tenant: TenantId, name: &str, asked: &Asked, from: Start) -> Result<Lines, PageProblem> {
    let version = Some(asked.version.clone()).filter(|version| !version.is_empty());
    let wanted = Wanted { version, level: wanted_level(asked), from, limit: LINES };
    Ok(api.app.lines(tenant, name, &wanted).await?)
}

fn wanted_level(asked: &Asked) -> Level {
    level(&asked.level).unwrap_or(Level::Debug)
}

impl Shown {
    fn new(line: &Line) -> Self {
        Self {
            time: text::time(line.call.at),
            level: line.level.name(),
            tone: match line.level {
                Level::Debug | Level::Info => "over",
                Level::Warn => "waiting",
                Level::Error => "bad",
            },
            version: line.call.version.clone(),
            role: match line.call.role {
                app::Role::Active => "",
                role => role.name(),
            },
            order_id: line.call.order_id.to_string(),
            message: line.message.clone(),
        }
    }
}
