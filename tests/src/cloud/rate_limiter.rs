//! The rate limiter deployed: what is stored there holds for routes of other systems, without a deployment.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Cloud, eventually};

use super::fresh;

/// An operator changes the limit of identity's keys for one tier, which the others do not notice.
#[test]
fn a_stored_policy_takes_the_place_of_a_systems_own() -> Result<()> {
    let cloud = Cloud::connect()?;
    let admin = cloud.key(&fresh("admin"), &["admin"])?;
    let basic = cloud.key_of_tier(&fresh("basic"), &["keys:write", "keys:read"], "basic")?;
    let make = || {
        let body = json!({"name": "ci", "scopes": ["keys:read"]}).to_string();
        let headers = [("x-api-key", basic.as_str()), ("idempotency-key", &fresh("key"))];
        cloud.send("identity", "POST", "/keys", &headers, Some(&body))
    };
    let before = make()?;
    ensure!(before.status == 201 && before.headers["x-ratelimit-limit"] == "10", "{before:?}");
    let tier = |quota: u64| json!({"quota": quota, "per_seconds": 86_400});
    let tiers = json!({"basic": tier(1), "enterprise": null});
    let user = json!({"name": "user", "limit": {"quota": 10, "per_seconds": 60}, "tiers": tiers});
    let policy = json!({"dimensions": [user], "ietf_fields": true});
    let path = "/policies/identity.keys";
    let stored = cloud.call("rate-limiter", "PUT", path, Some(&admin), Some(&policy))?;
    ensure!(stored.status == 201, "{stored:?}");
    // A sandbox may go on with what it knew for 30 s.
    let refused = eventually("the stored policy to hold", Duration::from_secs(60), || {
        // The default's ten a minute may be used up first, by asking.
        Ok(Some(make()?).filter(|answer| answer.status == 429 && answer.headers["x-ratelimit-limit"] == "1"))
    })?;
    ensure!(refused.problem() == "rate-limited" && refused.body["dimension"] == "user", "{refused:?}");
    ensure!(refused.body["policy"] == "keys" && refused.body["violated-policies"] == json!(["keys"]), "{refused:?}");
    ensure!(refused.headers.contains_key("ratelimit"), "{refused:?}");
    ensure!(cloud.call("rate-limiter", "DELETE", path, Some(&admin), None)?.status == 204, "it is deleted");
    Ok(())
}

#[test]
fn what_no_route_takes_is_a_problem() -> Result<()> {
    let answer = Cloud::connect()?.call("rate-limiter", "PATCH", "/policies/api", None, None)?;
    ensure!(answer.status == 405 && answer.headers["allow"] == "GET, HEAD, PUT, DELETE", "{answer:?}");
    Ok(())
}
