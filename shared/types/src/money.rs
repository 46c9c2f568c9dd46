//! Money: whole minor units and the currency whose units they are. Never a float, and never a conversion.
//!
//! How many minor units make a major one is ISO 4217's exponent: 2 for most, 0 (JPY) and 3 (BHD) too. What a payment
//! provider counts otherwise (some take ISK in hundredths) is its adapter's to know.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A currency of ISO 4217 that has minor units: no metals, no codes for tests. One that another took the place of stays
/// one: books that were kept in it are read, and closed, for years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// The text is no code of a currency, as `EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a currency of ISO 4217 such as EUR")]
pub struct BadCurrency;

/// Largest amount of one entry, payment or refund: what every JSON reader holds exactly (2^53 - 1).
pub const MOST_MINOR: u64 = (1 << 53) - 1;

impl Currency {
    /// Its three letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Decimal places of the major unit.
    pub fn exponent(self) -> u16 {
        self.0.exponent().unwrap_or_default() // parsing takes none without
    }

    /// The amount in major units: `12.34`, `-0.05`, `500` (of JPY).
    pub fn decimal(self, minor: i128) -> String {
        let places = usize::from(self.exponent());
        let sign = if minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", minor.unsigned_abs(), width = places + 1);
        let (whole, part) = digits.split_at(digits.len() - places);
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl FromStr for Currency {
    type Err = BadCurrency;
    fn from_str(text: &str) -> Result<Self, BadCurrency> {
        let known = iso_currency::Currency::from_code(text).ok_or(BadCurrency)?;
        let usable = known.exponent().is_some() && !known.is_special();
        if usable { Ok(Self(known)) } else { Err(BadCurrency) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Currency {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[A-Z]{3}$", "description": "A currency of ISO 4217."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_its_currencys_places() {
        for (code, minor, text) in [
            ("EUR", 1234, "12.34"),
            ("EUR", 5, "0.05"),
            ("EUR", -5, "-0.05"),
            ("EUR", -100, "-1.00"),
            ("BHD", 1, "0.001"),
            ("CLF", 1, "0.0001"),
            ("USD", i128::from(u64::MAX) * 100, "18446744073709551615.00"),
        ] {
            assert_eq!(code.parse::<Currency>().map(|currency| currency.decimal(minor)).as_deref(), Ok(text));
        }
    }

    /// The guides multiply by a hundred whatever the currency is (000, question 5), and store DECIMAL(15,2) (002 §8).
    #[test]
    fn a_yen_is_not_divided_by_a_hundred() {
        let yen: Result<Currency, _> = "JPY".parse();
        assert_eq!(yen.map(|yen| (yen.exponent(), yen.decimal(500))), Ok((0, "500".to_owned())));
    }

    #[test]
    fn what_has_no_minor_units_is_no_currency_here() {
        for code in ["eur", "EURO", "", "XAU", "XXX", "XTS", "E€R"] {
            assert_eq!(code.parse::<Currency>(), Err(BadCurrency), "{code}");
        }
        assert!("HRK".parse::<Currency>().is_ok(), "books of before the euro are still read");
    }
}
