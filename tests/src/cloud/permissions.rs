//! IAM stands between the deployed functions and AWS: each has the credentials of its role, and no more.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Cloud, repository};

use super::fresh;

const FUNCTIONS: &str = "/2015-03-31/functions";

fn configuration(cloud: &Cloud, handler: &str) -> Result<Value> {
    let name = format!("{}-url-shortener-{handler}", cloud.stage());
    cloud.rest("lambda", "GET", &format!("{FUNCTIONS}/{name}/configuration"), None)
}

/// Where the deployment put the system's zip.
fn code(cloud: &Cloud) -> Result<Value> {
    let bucket = format!("almanac-{}-deploy", cloud.stage());
    let path = format!("/{bucket}?list-type=2&prefix=code/url-shortener/");
    let listed = cloud.rest("s3", "GET", &path, None)?;
    let listed = listed.as_str().context("a list is XML")?;
    let key = listed.split("<Key>").nth(1).and_then(|rest| rest.split("</Key>").next());
    Ok(json!({"S3Bucket": bucket, "S3Key": key.context("no zip")?}))
}

/// The status with which `create_link` answers its sample event when it has this role.
fn create_link_as(cloud: &Cloud, like: &Value, role: &Value, code: &Value) -> Result<Value> {
    let name = fresh("permissions");
    let function = json!({
        "FunctionName": name, "Role": role, "Code": code, "Handler": like["Handler"], "Runtime": like["Runtime"],
        "Architectures": like["Architectures"], "Timeout": like["Timeout"], "MemorySize": like["MemorySize"],
        "Environment": {"Variables": like["Environment"]["Variables"]},
    });
    cloud.rest("lambda", "POST", FUNCTIONS, Some(&function))?;
    let sample = std::fs::read_to_string(repository().join("events/url-shortener/create_link.json"))?;
    let mut event: Value = serde_json::from_str(&sample)?;
    event["headers"]["idempotency-key"] = fresh("key").into();
    let answer = cloud.rest("lambda", "POST", &format!("{FUNCTIONS}/{name}/invocations"), Some(&event))?;
    cloud.rest("lambda", "DELETE", &format!("{FUNCTIONS}/{name}"), None)?;
    Ok(answer["statusCode"].clone())
}

/// The same code, environment and event: only the role differs, and only one of the two may write.
#[test]
fn a_function_cannot_do_what_its_role_lacks() -> Result<()> {
    let cloud = Cloud::connect()?;
    let (writer, reader) = (configuration(&cloud, "create-link")?, configuration(&cloud, "get-link")?);
    let code = code(&cloud)?;
    for (role, status) in [(&writer["Role"], 201), (&reader["Role"], 500)] {
        let answered = create_link_as(&cloud, &writer, role, &code)?;
        ensure!(answered == status, "create_link with the role {role} is answered {answered} instead of {status}");
    }
    Ok(())
}
