//! Write units of indexes, which no call's answer tells: from a table's items before and after, by the rules of
//! *Provisioned throughput considerations for global secondary indexes* in the DynamoDB developer guide. An item that
//! an operation writes twice counts once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use dynamo::Attributes;
use serde_json::Value;

use crate::template::Template;

/// A table's items by partition and sort key.
pub(crate) type Items = BTreeMap<(String, String), Attributes>;

/// A global secondary index.
pub(crate) struct Index {
    keys: Vec<String>,
    /// What it holds beside its keys and the table's; `None` for everything.
    projected: Option<BTreeSet<String>>,
}

/// The indexes of a system's tables.
pub(crate) fn of(template: &Template) -> Vec<Index> {
    let tables = template.resources("AWS::DynamoDB::Table");
    let all = tables.flat_map(|(_, table)| table["GlobalSecondaryIndexes"].as_array().into_iter().flatten());
    all.map(index).collect()
}

fn index(declared: &Value) -> Index {
    let texts = |list: &Value, name: Option<&str>| -> Vec<String> {
        let values = list.as_array().into_iter().flatten();
        values.filter_map(|value| name.map_or(value, |name| &value[name]).as_str().map(str::to_owned)).collect()
    };
    let keys = texts(&declared["KeySchema"], Some("AttributeName"));
    let projection = &declared["Projection"];
    let projected = (projection["ProjectionType"] != "ALL").then(|| {
        let own = ["pk".to_owned(), "sk".to_owned()].into_iter().chain(keys.iter().cloned());
        own.chain(texts(&projection["NonKeyAttributes"], None)).collect()
    });
    Index { keys, projected }
}

impl Index {
    fn entry(&self, item: Option<&Attributes>) -> Option<Attributes> {
        let item = item.filter(|item| self.keys.iter().all(|key| item.contains_key(key)))?;
        let held = |name: &String| self.projected.as_ref().is_none_or(|projected| projected.contains(name));
        Some(item.iter().filter(|(name, _)| held(name)).map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    fn units(&self, before: Option<&Attributes>, after: Option<&Attributes>) -> f64 {
        let units = |entry: &Attributes| dynamo::write_units(dynamo::bytes(entry));
        match (self.entry(before), self.entry(after)) {
            (None, None) => 0.0,
            (Some(one), None) | (None, Some(one)) => units(&one),
            (Some(old), Some(new)) if old == new => 0.0,
            (Some(old), Some(new)) if self.keys.iter().all(|key| old[key] == new[key]) => units(&old).max(units(&new)),
            (Some(old), Some(new)) => units(&old) + units(&new), // it moves: deleted there, put here
        }
    }
}

/// Units of the writes to all indexes that made `after` of `before`.
pub(crate) fn units(indexes: &[Index], before: &Items, after: &Items) -> f64 {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let pairs = keys.into_iter().map(|key| (before.get(key), after.get(key)));
    let each = pairs.flat_map(|(before, after)| indexes.iter().map(move |index| index.units(before, after)));
    each.fold(0.0, |sum, units| sum + units) // `sum` of nothing is -0
}

/// Every item of a test's own table.
#[allow(clippy::disallowed_methods)] // a handful of items of one test
pub(crate) async fn items(client: &Client, table: &str) -> Result<Items> {
    let mut pages = client.scan().table_name(table).into_paginator().items().send();
    let mut items = Items::new();
    while let Some(item) = pages.next().await {
        let item = item.with_context(|| format!("reading the table {table}"))?;
        let part = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        items.insert((part("pk"), part("sk")), item);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;
    use serde_json::json;

    use super::*;

    fn item(owner: Option<&str>, title: &str) -> Items {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let mut item = Attributes::from([("pk".to_owned(), text("CAT#tom")), ("sk".to_owned(), text("CAT"))]);
        item.insert("title".to_owned(), text(title));
        if let Some(owner) = owner {
            item.insert("owner_pk".to_owned(), text(owner));
            item.insert("owner_sk".to_owned(), text("1"));
        }
        [(("CAT#tom".to_owned(), "CAT".to_owned()), item)].into()
    }

    #[test]
    fn an_index_costs_what_changes_in_it() {
        let declared = |projection: Value| {
            let keys = json!([{"AttributeName": "owner_pk"}, {"AttributeName": "owner_sk"}]);
            vec![index(&json!({"KeySchema": keys, "Projection": projection}))]
        };
        let all = declared(json!({"ProjectionType": "ALL"}));
        let keys = declared(json!({"ProjectionType": "KEYS_ONLY"}));
        let titles = declared(json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]}));
        let none = Items::new();
        let (alice, bob) = (item(Some("alice"), "a"), item(Some("bob"), "a"));
        let (renamed, long) = (item(Some("alice"), "b"), item(Some("alice"), &"b".repeat(2000)));
        for (before, after, of_all, of_keys, of_titles) in [
            (&none, &alice, 1.0, 1.0, 1.0),
            (&none, &item(None, "a"), 0.0, 0.0, 0.0),
            (&alice, &alice, 0.0, 0.0, 0.0),
            (&alice, &renamed, 1.0, 0.0, 1.0),
            (&alice, &long, 2.0, 0.0, 2.0),
            (&alice, &bob, 2.0, 2.0, 2.0),
            (&long, &item(None, "a"), 2.0, 1.0, 2.0),
            (&alice, &none, 1.0, 1.0, 1.0),
        ] {
            let found = [&all, &keys, &titles].map(|indexes| units(indexes, before, after));
            assert_eq!(found, [of_all, of_keys, of_titles], "{before:?} {after:?}");
        }
    }
}
