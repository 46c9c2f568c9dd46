//! Devices change hands, and their tokens.

use anyhow::{Context as _, Result, ensure};
use notifications::App;
use serde_json::{Value, json};
use testkit::World;

use super::delivery::{call, delivery, device, form, seen_world, send, work};

async fn register(world: &mut World<App>, tenant: &str, user: &str, token: &str) -> Result<Value> {
    let body = json!({"channel": "push", "platform": "fcm", "token": token});
    let path = format!("/users/{user}/addresses");
    let answer = world.http("POST", &path, &[], Some(&body), Some((tenant, "users:write", "pro"))).await?;
    ensure!(answer["statusCode"] == 201, "{answer}");
    Ok(serde_json::from_str(answer["body"].as_str().context("a body")?)?)
}

async fn states(world: &mut World<App>) -> Result<Vec<Value>> {
    let listed = call(world, "GET", "/users/ada/addresses", Value::Null).await?;
    Ok(listed["items"].as_array().into_iter().flatten().map(|it| it["state"].clone()).collect())
}

/// SNS has one endpoint for a token, whoever registers it.
#[tokio::test]
async fn a_device_is_its_last_users_whoever_had_it_before() -> Result<()> {
    let mut world = seen_world().await?;
    let endpoint = device(&mut world).await?;
    register(&mut world, "bob", "eve", "device-1").await?;
    assert_eq!(states(&mut world).await?, ["gone"], "another tenant's user has it by now");
    let id = send(&mut world, json!({"channels": ["push"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "push").await?["reason"], "no-address");
    // Whoever has it no more cannot take it from whom has it.
    let listed = call(&mut world, "GET", "/users/ada/addresses", Value::Null).await?;
    let address = listed["items"][0]["address_id"].as_str().context("an id")?.to_owned();
    call(&mut world, "DELETE", &format!("/users/ada/addresses/{address}"), Value::Null).await?;
    let sns = world.sdk().sns();
    sns.get_endpoint_attributes().endpoint_arn(&endpoint).send().await.context("it is there")?;
    register(&mut world, "alice", "ada", "device-1").await?;
    assert_eq!(states(&mut world).await?, ["active"]);
    call(&mut world, "DELETE", &format!("/users/ada/addresses/{address}"), Value::Null).await?;
    ensure!(sns.get_endpoint_attributes().endpoint_arn(&endpoint).send().await.is_err(), "nobody has it");
    Ok(())
}

#[tokio::test]
async fn a_device_whose_token_was_refreshed_is_one_device() -> Result<()> {
    let mut world = seen_world().await?;
    device(&mut world).await?;
    let first = register(&mut world, "alice", "ada", "device-1").await?;
    let path = format!("/users/ada/addresses/{}/token", first["address_id"].as_str().context("an id")?);
    call(&mut world, "PUT", &path, json!({"token": "device-2"})).await?;
    let again = register(&mut world, "alice", "ada", "device-2").await?;
    assert_eq!(again["address_id"], first["address_id"]);
    send(&mut world, json!({"channels": ["push"]})).await?;
    work(&mut world).await?;
    let pushes = world.sent().iter().filter(|sent| form(&sent.body, "TargetArn").is_some()).count();
    assert_eq!(pushes, 1);
    Ok(())
}

/// The endpoint that another has by now stays theirs.
#[tokio::test]
async fn a_token_that_is_refreshed_after_its_endpoint_went_has_another() -> Result<()> {
    let mut world = seen_world().await?;
    device(&mut world).await?;
    let first = register(&mut world, "alice", "ada", "device-1").await?;
    register(&mut world, "bob", "eve", "device-1").await?;
    assert_eq!(states(&mut world).await?, ["gone"]);
    let path = format!("/users/ada/addresses/{}/token", first["address_id"].as_str().context("an id")?);
    call(&mut world, "PUT", &path, json!({"token": "device-9"})).await?;
    assert_eq!(states(&mut world).await?, ["active"]);
    let id = send(&mut world, json!({"channels": ["push"]})).await?;
    work(&mut world).await?;
    assert_eq!(delivery(&mut world, &id, "push").await?["state"], "sent");
    Ok(())
}
