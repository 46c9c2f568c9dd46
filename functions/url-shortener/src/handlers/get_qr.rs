//! GET /links/{code}/qr: the short URL of one of the caller's links as a QR code.

use schemars::JsonSchema;
use serde::Deserialize;
use web::{Caller, Path, Problem, Query, RequestMeta, State};

use crate::App;
use crate::answers::Image;
use crate::domain::LinkError;
use crate::qr::{Level, Picture};

/// Smallest and largest picture, in pixels.
const SIZES: std::ops::RangeInclusive<u16> = 64..=2048;
/// Widest margin, in modules.
const MOST_MARGIN: u8 = 16;

/// Which picture.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The link's domain, where it is not the service's own.
    domain: Option<String>,
    /// `svg` (default) or `png`.
    #[serde(default)]
    format: Kind,
    /// Width in pixels, 64 to 2,048; default 256.
    size: Option<u16>,
    /// Quiet margin in modules, 0 to 16; default 4, as the standard asks.
    margin: Option<u8>,
    /// Error correction: `L`, `M` (default), `Q` or `H`.
    #[serde(default)]
    level: Level,
}

/// A kind of picture.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Kind {
    #[default]
    Svg,
    Png,
}

/// One strongly consistent read.
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    meta: RequestMeta,
    Path(code): Path<String>,
    Query(which): Query<Which>,
) -> Result<Image, Problem> {
    let (size, margin) = (which.size.unwrap_or(256), which.margin.unwrap_or(4));
    if !SIZES.contains(&size) || margin > MOST_MARGIN {
        return Err(LinkError::Picture.into());
    }
    let link = app.own_link(&app.code_of(&code, which.domain.as_deref())?, &caller.id).await??;
    let picture = Picture::of(&app.short_url(&link.code, &meta), which.level, margin)?;
    Ok(match which.format {
        Kind::Svg => Image::Svg(picture.svg(size)),
        Kind::Png => Image::Png(picture.png(size)?),
    })
}
