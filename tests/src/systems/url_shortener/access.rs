//! How the deployed routes are called.

use serde_json::json;

use crate::cloud::access::{Case, case};

/// How the deployed routes are called by the right tenant and by another one.
pub(crate) fn access() -> Vec<Case> {
    vec![
        case("create_link", "/links", Some(json!({"url": "https://a.example"})), 201, 201),
        case("list_links", "/links", None, 200, 200),
        case("get_link", "/links/{id}", None, 200, 404),
        case("delete_link", "/links/{id}", None, 204, 404),
        case("get_stats", "/links/{id}/stats", None, 200, 404),
        case("create_links", "/links/batch", Some(json!({"links": [{"url": "https://a.example"}]})), 200, 200),
        case("update_link", "/links/{id}", Some(json!({"title": "new"})), 200, 404),
        case("get_qr", "/links/{id}/qr", None, 200, 404),
        case("get_request", "/requests/nobodys", None, 404, 404),
        case("put_domain", "/domains/{id}.example", Some(json!({})), 409, 200), // the other one asks first
        case("get_domain", "/domains/{id}.example", None, 404, 404),
        case("delete_domain", "/domains/{id}.example", None, 404, 404),
        case("get_domain_stats", "/domains/{id}.example/stats", None, 404, 404),
        case("follow_path", "/{id}/more", None, 404, 404),
        case("unlock_link", "/{id}", Some(json!({"password": "open"})), 303, 303),
        case("get_url_stats", "/urls/{id}/stats", None, 200, 404),
        case("get_short", "/api/{id}", None, 200, 404),
        case("delete_short", "/api/{id}", None, 204, 404),
        case("get_short_stats", "/api/{id}/stats", None, 200, 404),
        case("expand_bitlink", "/v4/expand", Some(json!({"bitlink_id": "bit.ly/nobody"})), 404, 404),
        case("get_bitlink", "/v4/bitlinks/bit.ly/{id}", None, 200, 404),
        case("update_bitlink", "/v4/bitlinks/bit.ly/{id}", Some(json!({"title": "new"})), 200, 404),
        case("get_bitlink_clicks", "/v4/bitlinks/bit.ly/{id}/clicks", None, 200, 404),
        case("get_bitlink_summary", "/v4/bitlinks/bit.ly/{id}/clicks/summary", None, 200, 404),
        case("get_bitlink_countries", "/v4/bitlinks/bit.ly/{id}/countries", None, 200, 404),
        case("get_bitlink_referrers", "/v4/bitlinks/bit.ly/{id}/referrers", None, 200, 404),
        case("update_kutt_link", "/api/v2/links/{id}", Some(json!({"description": "new"})), 200, 404),
        case("delete_kutt_link", "/api/v2/links/{id}", None, 200, 404),
        case("get_kutt_stats", "/api/v2/links/{id}/stats", None, 200, 404),
        case("check_health", "/health", None, 200, 200),
        case("follow_link", "/{id}", None, 302, 302),
    ]
}
