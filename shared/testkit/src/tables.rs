//! Makes tables, and identities of mail, as their template declares them.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use aws::Sdk;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use serde_json::{Value, json};
use types::random;

use crate::template::Template;

/// A table of a test's own, with the keys that every table here has.
///
/// # Errors
/// When there is no emulator.
pub async fn fresh_table() -> Result<dynamo::Table> {
    let sdk = Sdk::from_env(&aws::env::Env::of_process())?;
    let name = format!("t{}-table", random::base62(11).to_ascii_lowercase());
    let attribute = |name: &str| json!({"AttributeName": name, "AttributeType": "S"});
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let properties = json!({
        "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
    });
    create_table(&sdk, &name, &properties).await?;
    Ok(dynamo::Table::new(sdk.dynamodb(), name))
}

/// Creates a template's tables, whose names join those known, and the identities that its mails are sent by.
pub(crate) async fn create_tables(sdk: &Sdk, template: &Template, names: &mut BTreeMap<String, String>) -> Result<()> {
    for (id, properties) in template.resources("AWS::DynamoDB::Table") {
        let name = template.text(&properties["TableName"], names)?;
        create_table(sdk, &name, properties).await?;
        names.insert(id.to_owned(), name);
    }
    for (_, properties) in template.resources("AWS::SES::EmailIdentity") {
        let identity = template.text(&properties["EmailIdentity"], names)?;
        // It is the same of all worlds: most find it there.
        sdk.ses().create_email_identity().email_identity(identity).send().await.ok();
    }
    Ok(())
}

/// Creates the table `name` with these properties of an `AWS::DynamoDB::Table`.
async fn create_table(sdk: &Sdk, name: &str, properties: &Value) -> Result<()> {
    let keys = |schema: &Value| -> Result<Vec<KeySchemaElement>> {
        let element = |key: &Value| {
            let kind = KeyType::from(key["KeyType"].as_str().unwrap_or_default());
            let attribute = key["AttributeName"].as_str().unwrap_or_default();
            Ok(KeySchemaElement::builder().attribute_name(attribute).key_type(kind).build()?)
        };
        schema.as_array().into_iter().flatten().map(element).collect()
    };
    let mut request = sdk.dynamodb().create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    request = request.set_key_schema(Some(keys(&properties["KeySchema"])?));
    for attribute in properties["AttributeDefinitions"].as_array().into_iter().flatten() {
        let kind = ScalarAttributeType::from(attribute["AttributeType"].as_str().unwrap_or_default());
        let attribute = attribute["AttributeName"].as_str().unwrap_or_default();
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(kind).build()?;
        request = request.attribute_definitions(definition);
    }
    for index in properties["GlobalSecondaryIndexes"].as_array().into_iter().flatten() {
        let projection = &index["Projection"];
        let attributes = projection["NonKeyAttributes"].as_array().into_iter().flatten();
        let attributes: Vec<String> = attributes.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let kind = ProjectionType::from(projection["ProjectionType"].as_str().unwrap_or_default());
        let projection = Projection::builder().projection_type(kind);
        let projection = projection.set_non_key_attributes((!attributes.is_empty()).then_some(attributes));
        let built = GlobalSecondaryIndex::builder()
            .index_name(index["IndexName"].as_str().unwrap_or_default())
            .set_key_schema(Some(keys(&index["KeySchema"])?))
            .projection(projection.build());
        request = request.global_secondary_indexes(built.build()?);
    }
    if let Some(view) = properties["StreamSpecification"]["StreamViewType"].as_str() {
        let stream = StreamSpecification::builder().stream_enabled(true).stream_view_type(StreamViewType::from(view));
        request = request.stream_specification(stream.build()?);
    }
    request.send().await.with_context(|| format!("creating the table {name}"))?;
    Ok(())
}
