//! Signed page cursors: a client can make none, nor use another caller's. (They are not encrypted: a key is no secret
//! to its owner.)

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use types::Secret;
use types::secret::PurposeKey;

use crate::Problem;
use crate::kind::shared;

/// Bytes of the signature in a cursor: 128 bits.
const MAC_BYTES: usize = 16;

/// Signs cursors.
#[derive(Debug, Clone)]
pub struct CursorKey(PurposeKey);

/// A position in a list, as the table knows it.
pub type Cursor = BTreeMap<String, String>;

/// The body of a listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct PageOf<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `?limit=…&cursor=…`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// The most items that the page may hold.
    #[schemars(range(min = 1, max = MOST_LIMIT), extend("default" = DEFAULT_LIMIT))]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Items of a page unless the client says otherwise …
const DEFAULT_LIMIT: u16 = 20;
/// … and at most.
const MOST_LIMIT: u16 = 100;

impl PageQuery {
    /// A page of a list whose query has other members too.
    pub fn new(limit: Option<u16>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// How many items to read, and after which position. `list` names the list and whose it is.
    ///
    /// # Errors
    /// 400 for a limit out of bounds or a cursor that is not of this list.
    pub fn read(&self, key: &CursorKey, list: &str) -> Result<(u16, Option<Cursor>), Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MOST_LIMIT).contains(&limit) {
            return Err(Problem::of(shared::INVALID_QUERY).detail(format!("limit is 1 to {MOST_LIMIT}")));
        }
        Ok((limit, key.read(list, self.cursor.as_deref())?))
    }
}

impl<T> PageOf<T> {
    /// The page of these items; `next` is where the next one begins.
    pub fn new(items: Vec<T>, next: Option<Cursor>, key: &CursorKey, list: &str) -> Self {
        Self { items, next_cursor: next.map(|position| key.write(list, &position)) }
    }
}

impl CursorKey {
    /// The system's key for cursors.
    pub fn of(secret: &Secret) -> Self {
        Self(secret.key("cursors"))
    }

    /// The cursor's text. `list` names the list and whose it is; the cursor is worthless for any other.
    pub fn write(&self, list: &str, position: &Cursor) -> String {
        let json = serde_json::json!(position).to_string();
        let mut bytes = self.0.mac(&signed(list, json.as_bytes()))[..MAC_BYTES].to_vec();
        bytes.extend(json.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor back.
    ///
    /// # Errors
    /// 400 `invalid-cursor` for anything this key did not write for this list.
    pub fn read(&self, list: &str, text: Option<&str>) -> Result<Option<Cursor>, Problem> {
        let Some(text) = text else { return Ok(None) };
        let read = || {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (mac, json) = bytes.split_at_checked(MAC_BYTES)?;
            let right = self.0.mac(&signed(list, json));
            aws_lc_rs::constant_time::verify_slices_are_equal(mac, &right[..MAC_BYTES]).ok()?;
            serde_json::from_slice(json).ok()
        };
        read().map(Some).ok_or_else(|| Problem::of(shared::INVALID_CURSOR))
    }
}

fn signed(list: &str, json: &[u8]) -> Vec<u8> {
    [list.as_bytes(), b"\0", json].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_serves_its_own_list_only() -> Result<(), Box<dyn std::error::Error>> {
        let key = CursorKey::of(&Secret::new("0123456789abcdef0123456789abcdef")?);
        let position: Cursor = [("pk".to_owned(), "LINK#cat".to_owned())].into();
        let text = key.write("links of alice", &position);
        assert_eq!(key.read("links of alice", Some(&text)).ok().flatten(), Some(position));
        assert!(key.read("links of bob", Some(&text)).is_err());
        let mut forged = text.into_bytes();
        for index in 0..forged.len() {
            forged[index] ^= 1;
            assert!(key.read("links of alice", std::str::from_utf8(&forged).ok()).is_err(), "byte {index}");
            forged[index] ^= 1;
        }
        Ok(())
    }
}
