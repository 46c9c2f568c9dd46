//! Answers of this system's own kinds.

use schemars::JsonSchema;
use web::{Created, IntoResponse, Operation, Output, Redirect, Response, StatusCode};

use crate::follow::Followed;
use crate::pages::POLICY;
use crate::results::{NewLinkAnswer, Queued};
use crate::view::LinkView;

impl IntoResponse for Followed {
    fn into_response(self) -> Response {
        match self {
            Self::Redirect { status, location, cache } => {
                let headers = [
                    ("cache-control", cache.as_str()),
                    ("referrer-policy", "strict-origin-when-cross-origin"), // the target may know who sent its visitors
                ];
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
                let mut response = (status, headers).into_response();
                let location = location.and_then(|location| location.parse().ok());
                response.headers_mut().extend(location.map(|location| (web::header::LOCATION, location)));
                response
            }
            Self::Page(page) => {
                let headers = [("content-type", "text/html; charset=utf-8"), ("content-security-policy", POLICY)];
                (StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK), headers, page.html).into_response()
            }
        }
    }
}

impl IntoResponse for NewLinkAnswer {
    fn into_response(self) -> Response {
        match self {
            Self::Created(place, link) => Created::at(place, link).into_response(),
            Self::Known(link) => web::Json(link).into_response(),
            Self::Queued(queued) => {
                let place = [("location", queued.status_url.clone())];
                (StatusCode::ACCEPTED, place, web::Json(queued)).into_response()
            }
        }
    }
}

/// JSON, or the same as a table.
#[derive(Debug)]
pub enum Sheet<T> {
    /// `application/json`
    Json(T),
    /// `text/csv`; where there is more, the next page's query goes as `Link: <?…>; rel="next"`.
    Csv(String, Option<String>),
}

impl<T: serde::Serialize> IntoResponse for Sheet<T> {
    fn into_response(self) -> Response {
        match self {
            Self::Json(body) => web::Json(body).into_response(),
            Self::Csv(table, next) => {
                web::with_next(([("content-type", "text/csv; charset=utf-8")], table).into_response(), next)
            }
        }
    }
}

/// A picture.
#[derive(Debug)]
pub enum Image {
    /// `image/svg+xml`
    Svg(String),
    /// `image/png`
    Png(Vec<u8>),
}

impl IntoResponse for Image {
    fn into_response(self) -> Response {
        match self {
            Self::Svg(text) => ([("content-type", "image/svg+xml")], text).into_response(),
            Self::Png(bytes) => ([("content-type", "image/png")], bytes).into_response(),
        }
    }
}

impl Output for Followed {
    fn describe(operation: &mut Operation<'_>) {
        Redirect::describe(operation);
        operation.content(200, "A page that shows where the link leads.", &["text/html"]);
    }
}

impl Output for NewLinkAnswer {
    fn describe(operation: &mut Operation<'_>) {
        Created::<LinkView>::describe(operation);
        operation.json::<LinkView>(200, "The caller's link to this URL, which was there.");
        operation.json::<Queued>(202, "The link is made later; `Location` is where to ask.");
    }
}

impl<T: JsonSchema> Output for Sheet<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.json::<T>(200, "JSON, or the same as a table.");
        operation.content(200, "JSON, or the same as a table.", &["text/csv"]);
    }
}

impl Output for Image {
    fn describe(operation: &mut Operation<'_>) {
        operation.content(200, "The picture.", &["image/svg+xml", "image/png"]);
    }
}
