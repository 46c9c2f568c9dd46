//! GET and HEAD /{code}: go where the link leads.

use std::sync::Arc;

use types::{Instant, random};
use web::{Method, Path, Problem, Redirect, RequestMeta, State};

use crate::App;
use crate::domain::{Click, Code, Device, Link, LinkError, referrer_host};

/// No read for a link this sandbox knows, one otherwise; one message per click, never awaited past its budget.
pub async fn handle(
    State(app): State<App>,
    method: Method,
    meta: RequestMeta,
    Path(code): Path<String>,
) -> Result<([(&'static str, &'static str); 2], Redirect), Problem> {
    let code = Code::of_path(&code)?;
    let now = app.clock.now();
    let link = find(&app, &code, now).await?;
    let location = link.follow(now)?.as_str().to_owned();
    if method == Method::GET {
        count(&app, code, &meta, now).await;
    }
    let headers = [
        ("cache-control", "private, max-age=0"),
        ("referrer-policy", "strict-origin-when-cross-origin"), // the target may know who sent its visitors
    ];
    Ok((headers, Redirect::found(location)))
}

async fn find(app: &App, code: &Code, now: Instant) -> Result<Arc<Link>, Problem> {
    if let Some(link) = app.cache.get(code, now) {
        aws::count("cache_hits", 1.0);
        return Ok(link);
    }
    let link = Arc::new(app.store.find(code).await?.ok_or(LinkError::NotFound)?);
    app.cache.insert(&link, now);
    Ok(link)
}

/// A queue that is down costs the click, never the redirect; what was lost is counted.
async fn count(app: &App, code: Code, meta: &RequestMeta, at: Instant) {
    let agent = meta.header("user-agent");
    let click = Click {
        v: 1,
        id: random::bytes(),
        code,
        at,
        visitor: Click::visitor(&app.visitors, at, &meta.source_ip, agent),
        country: Some(meta.header("cloudfront-viewer-country").to_owned()).filter(|country| country.len() == 2),
        device: Device::of_user_agent(agent),
        referrer: referrer_host(meta.header("referer")),
    };
    if let Err(fault) = app.clicks().send(&click, app.settings.click_budget).await {
        aws::count("clicks_lost", 1.0);
        tracing::warn!(fault = fault.chain(), "a click was lost");
    }
}
