//! What API Gateway and Lambda refuse before a function sees it. The emulator lets it pass, so
//! `shared/localcloud/front` stands before it.

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::{Answer, Cloud};

use super::fresh;

/// The answer is the gateway's own: JSON that is no problem document.
fn refused(answer: &Answer, status: u16, message: &str) -> Result<()> {
    ensure!(answer.status == status && answer.body == json!({"message": message}), "{answer:?}");
    Ok(())
}

#[test]
fn request_line_and_header_values_have_10240_bytes() -> Result<()> {
    let cloud = Cloud::connect()?;
    for (bytes, status) in [(9_000, 200), (10_240, 431)] {
        let long = "x".repeat(bytes);
        let answer = cloud.send("url-shortener", "GET", "/health", &[("x-long", &long)], None)?;
        ensure!(answer.status == status, "{bytes} bytes: {answer:?}");
    }
    let answer = cloud.call("url-shortener", "GET", &format!("/{}", "x".repeat(10_240)), None, None)?;
    refused(&answer, 431, "Request Header Fields Too Large")
}

#[test]
fn an_event_has_6_mb() -> Result<()> {
    let cloud = Cloud::connect()?;
    let key = cloud.key(&fresh("tenant"), &["links:write"])?;
    for (bytes, by_gateway) in [(5_000_000, false), (7_000_000, true), (11_000_000, true)] {
        let body = json!({"url": format!("https://a.example/{}", "x".repeat(bytes))});
        let answer = cloud.call("url-shortener", "POST", "/links", Some(&key), Some(&body))?;
        if by_gateway {
            refused(&answer, 413, "Request Entity Too Large")?;
        } else {
            ensure!(answer.status == 413 && answer.problem() == "body-too-large", "{answer:?}");
        }
    }
    Ok(())
}

#[test]
fn an_api_is_an_origin_and_its_links_lead_to_it() -> Result<()> {
    let cloud = Cloud::connect()?;
    let origin = cloud.url("url-shortener")?;
    ensure!(origin.matches('/').count() == 2, "{origin}");
    let key = cloud.key(&fresh("tenant"), &["links:write"])?;
    let link = cloud.call("url-shortener", "POST", "/links", Some(&key), Some(&json!({"url": "https://a.example"})))?;
    let (short_url, code) = (link.text("short_url")?, link.text("code")?);
    ensure!(short_url == format!("{origin}/{code}"), "{short_url}");
    let followed = cloud.call("url-shortener", "GET", &format!("/{code}"), None, None)?;
    ensure!(followed.status == 302 && followed.headers["location"] == "https://a.example/", "{followed:?}");
    Ok(())
}
