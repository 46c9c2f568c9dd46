//! Every sample in `events/` is a real event: its Lambda takes it without a fault.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use testkit::{Worlds, repository};

async fn every_sample_is_taken<A: Clone + Send + Sync + 'static>(worlds: &Worlds<A>) -> Result<()> {
    let mut world = worlds.make(&[]).await?;
    let folder = repository().join("events").join(world.system().name());
    let handlers: Vec<&str> = world.system().rows().iter().map(|row| row.handler).collect();
    for handler in handlers {
        let event = read(&folder.join(format!("{handler}.json")))?;
        let answer = world.invoke(handler, &event).await?;
        if let Some(status) = answer["statusCode"].as_u64() {
            ensure!(status < 500, "{handler}: {answer}");
        }
        if let Some(failures) = answer["batchItemFailures"].as_array() {
            ensure!(failures.is_empty(), "{handler}: {answer}");
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<serde_json::Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[tokio::test]
async fn samples_of_identity() -> Result<()> {
    every_sample_is_taken(&Worlds { system: identity::system, app: identity::App::from_env }).await
}

#[tokio::test]
async fn samples_of_ledger() -> Result<()> {
    every_sample_is_taken(&Worlds { system: ledger::system, app: ledger::App::from_env }).await
}

#[tokio::test]
async fn samples_of_notifications() -> Result<()> {
    every_sample_is_taken(&Worlds { system: notifications::system, app: notifications::App::from_env }).await
}

#[tokio::test]
async fn samples_of_rate_limiter() -> Result<()> {
    every_sample_is_taken(&Worlds { system: rate_limiter::system, app: rate_limiter::App::from_env }).await
}

#[tokio::test]
async fn samples_of_url_shortener() -> Result<()> {
    every_sample_is_taken(&Worlds { system: url_shortener::system, app: url_shortener::App::from_env }).await
}
