use proptest::prelude::*;
use serde_json::json;

use super::part::MOST_SOURCE;
use super::*;

fn read(json: Value) -> Template {
    serde_json::from_value(json).unwrap()
}

fn english(content: Value) -> Template {
    read(json!({"default_locale": "en", "locales": {"en": content}}))
}

fn render(template: &Template, variables: Value) -> Result<Rendered, TemplateError> {
    template.render(None, variables.as_object().unwrap()).map(|(_, rendered)| rendered)
}

fn body(source: &str, variables: Value) -> Result<String, TemplateError> {
    render(&english(json!({"title": "", "body": source})), variables).map(|rendered| rendered.body)
}

fn place(part: &str) -> String {
    format!("en.{part}")
}

#[test]
fn the_example_of_guide_004() {
    let template =
        english(json!({"title": "Your order {{order_id}} has shipped!", "body": "Track at: {{tracking_url}}"}));
    assert_eq!(template.validate(), Ok(()));
    assert_eq!(template.variables(), ["order_id", "tracking_url"].map(str::to_owned).into());
    let values = json!({"order_id": 12345, "tracking_url": "https://track.example/12345?a=1&b=2"});
    let plain = Rendered::plain("Your order 12345 has shipped!", "Track at: https://track.example/12345?a=1&b=2");
    assert_eq!(render(&template, values), Ok(plain.clone()));
    let json = r#"{"title":"Your order 12345 has shipped!","body":"Track at: https://track.example/12345?a=1&b=2"}"#;
    assert_eq!(serde_json::to_string(&plain).unwrap(), json);
}

#[test]
fn only_a_page_is_escaped_and_always() {
    let source = "{{ name }}";
    let content = json!({"title": source, "body": source, "sms": source,
        "email": {"subject": source, "html": "<p>{{ name }}</p>", "text": source}});
    let rendered = render(&english(content), json!({"name": "<b>&"})).unwrap();
    let raw = || Some("<b>&".to_owned());
    assert_eq!((rendered.title, rendered.body), ("<b>&".to_owned(), "<b>&".to_owned()));
    assert_eq!((rendered.subject, rendered.text, rendered.sms), (raw(), raw(), raw()));
    assert_eq!(rendered.html.unwrap(), "<p>&lt;b&gt;&amp;</p>");

    let page = |source: &str| english(json!({"title": "", "body": "", "email": {"html": source}}));
    let html = |source: &str| render(&page(source), json!({"x": "<b>"})).map(|rendered| rendered.html.unwrap());
    assert_eq!(html("{{ x|escape }}{% set y = x %}{{ y ~ x }}").unwrap(), "&lt;b&gt;&lt;b&gt;&lt;b&gt;");
    assert_eq!(html("{% set y %}{{ x }}{% endset %}{{ y }}").unwrap(), "&lt;b&gt;");
    for open in ["{% autoescape false %}{{ x }}{% endautoescape %}", "{{ x|safe }}"] {
        assert!(html(open).is_err(), "{open}");
    }
    let refused = page("{{ x|safe }}").validate();
    assert!(matches!(refused, Err(TemplateError::Syntax { place: at, .. }) if at == place(HTML)));
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let content = json!({"title": "{{ zip }}", "body": "{{ order.id }} {{ order.lines.first }} {{ user }}",
        "email": {"html": "{% for line in lines %}{{ loop.index }}{{ line }}{% endfor %}"},
        "sms": "{% if gift %}{% set b = gift %}{{ b }}{% endif %}{% for i in range(2) %}{{ i }}{% endfor %}"});
    let names =
        |names: &[&str]| Err(TemplateError::Missing { names: names.iter().map(|name| name.to_string()).collect() });
    let template = english(content);
    let all = ["gift", "lines", "order.id", "order.lines.first", "user", "zip"];
    assert_eq!(render(&template, json!({})), names(&all));
    let some = json!({"order": {"id": 1, "lines": [1]}, "lines": [], "gift": null, "user": "u"});
    assert_eq!(render(&template, some), names(&["order.lines.first", "zip"]));
    let given =
        json!({"order": {"id": 1, "lines": {"first": "a"}}, "lines": ["x", "y"], "gift": null, "user": null, "zip": 8});
    let rendered = render(&template, given).unwrap();
    assert_eq!((rendered.title.as_str(), rendered.body.as_str()), ("8", "1 a "), "null is nothing");
    assert_eq!((rendered.html.as_deref(), rendered.sms.as_deref()), (Some("1x2y"), Some("01")));
    // What only a loop can see is refused by name where it is met.
    let inner = body("{% for line in lines %}{{ line.sku }}{% endfor %}", json!({"lines": [{}]}));
    assert!(matches!(inner, Err(TemplateError::Failed { place: at, .. }) if at == place("body")));
}

#[test]
fn a_language_falls_back_to_its_parents_and_then_to_the_default() {
    let of = |name: &str| json!({"title": name, "body": ""});
    let template = read(json!({"default_locale": "en",
        "locales": {"en": of("en"), "pt": of("pt"), "PT-br": of("pt-BR")}}));
    for (wanted, found) in [("pt-BR", "pt-BR"), ("pt-PT", "pt"), ("pt", "pt"), ("de-AT", "en"), ("en-US", "en")] {
        let (locale, rendered) = template.render(wanted.parse().ok().as_ref(), &Map::new()).unwrap();
        assert_eq!((locale.to_string().as_str(), rendered.title.as_str()), (found, found), "{wanted}");
    }
    let none = read(json!({"default_locale": "en", "locales": {"de": of("de")}}));
    assert_eq!(
        (none.validate(), render(&none, json!({}))),
        (Err(TemplateError::NoDefaultLocale), Err(TemplateError::NoDefaultLocale))
    );
}

#[test]
fn a_title_starts_no_header() {
    let content = json!({"title": "Hi {{ x }}", "body": "{{ x }}", "email": {"subject": "{{ x }}\n!"}});
    let rendered = render(&english(content), json!({"x": "a\r\nBcc: b@c.example\u{0}\u{2028}"})).unwrap();
    assert_eq!(rendered.title, "Hi a Bcc: b@c.example");
    assert_eq!(rendered.subject.unwrap(), "a Bcc: b@c.example !");
    assert!(rendered.body.contains("\r\n"));
    assert_eq!(
        Rendered::plain("a\nb", "c\nd"),
        Rendered { title: "a b".into(), body: "c\nd".into(), ..Rendered::default() }
    );
}

#[test]
fn what_runs_away_is_stopped() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let costly = || Err(TemplateError::Costly { place: place("body") });
    for source in [nested, r#"{{ "x" * 99999999 }}"#, "{% for a in range(9999) %}{{ 'x' * 999 }}{% endfor %}"] {
        assert_eq!(body(source, json!({})).map(|text| text.len()), costly().map(|()| 0), "{source}");
        assert_eq!(english(json!({"title": "", "body": source})).validate(), costly());
    }
    let listed = "{% for a in x %}{% for b in x %}{% for c in x %}{% endfor %}{% endfor %}{% endfor %}";
    assert_eq!(body(listed, json!({"x": vec![0; 100]})).map(|_| ()), costly());
    let page = "{% for i in range(1000) %}<li>{{ i }} {{ item }}</li>{% endfor %}";
    assert!(render(&english(json!({"title": "", "body": "", "email": {"html": page}})), json!({"item": "x"})).is_ok());
}

#[test]
fn no_depth_overflows_the_stack() {
    for link in [".a", "|d", "+1", "~1", "**1", " or a", " is odd", " if a else a", "[0]", "()", "<1"] {
        let long = body(&chain("{{ a", link, " }}"), json!({"a": 1}));
        assert!(matches!(long, Err(TemplateError::Syntax { .. })), "{link}");
        let hidden = chain(r#"{{ "}}" ~ {"a": {"b": '\\'}}["a"]"#, link, " }}");
        assert!(matches!(body(&hidden, json!({"a": 1})), Err(TemplateError::Syntax { .. })), "{link}");
    }
    for (start, link, end) in [
        ("{{ ", "-", "1 }}"),
        ("{{ ", "not ", "1 }}"),
        ("{{ ", "(", ""),
        ("{{ ", "[", ""),
        ("", "{% if 1 %}", ""),
        ("", "{% for a in [1] %}", ""),
        ("{% if 0 %}", "{% elif 0 %}", "{% endif %}"),
        ("{% if 0 %}", "{%- elif 0 %}", "{% endif %}"),
        ("{% raw %}{{ '{% endraw %}{{ ['}}'", "+1", " }}"),
    ] {
        let source = chain(start, link, end);
        assert!(matches!(body(&source, json!({})), Err(TemplateError::Syntax { .. })), "{start}{link}");
        assert!(english(json!({"title": "", "body": source})).validate().is_err());
    }
    // The deepest that there can be.
    let sum = format!("{{{{ 1{} }}}}", "+1".repeat(240));
    let elifs = "{% if 0 %}".to_owned() + &"{% elif 0 %}".repeat(100) + "{% else %}" + &sum + "{% endif %}";
    let deepest = "{% if 1 %}".repeat(100) + &elifs + &"{% endif %}".repeat(100);
    assert_eq!(body(&deepest, json!({})), Ok("241".to_owned()));
    assert_eq!(body("{# it's #}{{ 'a}}\\'b' }}{# {{ #}", json!({})), Ok("a}}'b".to_owned()));
}

fn chain(start: &str, link: &str, end: &str) -> String {
    start.to_owned() + &link.repeat(60_000 / link.len()) + end
}

#[test]
fn sources_and_results_have_bounds() {
    for (part, most) in
        [("title", 200), ("body", 4000), ("sms", 1600), ("subject", 200), ("html", 204_800), ("text", 204_800)]
    {
        let mut content = json!({"title": "", "body": "", "email": {}});
        let email = matches!(part, "subject" | "html" | "text");
        if email {
            content["email"][part] = json!("{{ x }}")
        } else {
            content[part] = json!("{{ x }}")
        }
        let template = english(content);
        assert!(render(&template, json!({"x": "ä".repeat(most / if most > 4000 { 2 } else { 1 })})).is_ok(), "{part}");
        let at = place(&if email { format!("email.{part}") } else { part.to_owned() });
        assert_eq!(render(&template, json!({"x": "a".repeat(most + 1)})), Err(TemplateError::TooLong { place: at }));
    }
    let source = |bytes: usize| json!({"title": "", "body": "a".repeat(bytes)});
    let too_long = |place: &str| Err(TemplateError::TooLong { place: place.to_owned() });
    assert_eq!(english(source(MOST_SOURCE)).validate(), Ok(()));
    assert_eq!(english(source(MOST_SOURCE + 1)).validate(), too_long("en.body"));
    let many = |count: u8, bytes: usize| {
        let locales =
            (0..count).map(|n| (format!("{}{}", (b'a' + n / 26) as char, (b'a' + n % 26) as char), source(bytes)));
        read(json!({"default_locale": "aa", "locales": locales.collect::<Map<_, _>>(), "description": "d"}))
    };
    assert_eq!((many(50, 1).validate(), many(51, 1).validate()), (Ok(()), Err(TemplateError::TooMany)));
    assert_eq!((many(5, MOST_SOURCE).validate(), many(6, MOST_SOURCE).validate()), (Ok(()), too_long("locales")));
    let described = Template { description: Some("d".repeat(1001)), ..many(1, 1) };
    assert_eq!(described.validate(), too_long("description"));
}

#[test]
fn what_is_no_template() {
    for bad in [
        "{{ x",
        "{% if %}",
        "{{ x|nothing }}",
        "{% include 'x' %}",
        "{{ debug() }}",
        "{% macro a() %}{% endmacro %}",
        "{{ f() }}",
    ] {
        let refused = english(json!({"title": "", "body": bad})).validate();
        assert!(matches!(refused, Err(TemplateError::Syntax { place: at, .. }) if at == place("body")), "{bad}");
    }
    for good in [
        "{{ a.b.c }}",
        "{% for x in xs %}{{ x.y }}{% else %}-{% endfor %}",
        "{{ x|default('y', true)|upper }}",
        "{# c #}",
        "",
    ] {
        assert_eq!(english(json!({"title": "", "body": good})).validate(), Ok(()), "{good}");
    }
    let unread = serde_json::from_value::<Template>(json!({"default_locale": "en", "locales": {}, "more": 1}));
    assert!(unread.is_err());
    assert!(serde_json::to_string(&schemars::schema_for!(Template)).unwrap().contains("default_locale"));
}

proptest! {
    #[test]
    fn a_value_is_data(value in "(\\{\\{|\\}\\}|\\{%|%\\}|[ -~äß]){0,12}") {
        let values = json!({"x": &value, "secret": "S3CRET"});
        prop_assert_eq!(body("[{{ x }}]", values), Ok(format!("[{value}]")));
    }

    #[test]
    fn a_page_has_no_markup_of_a_value(value in any::<String>()) {
        let page = english(json!({"title": "", "body": "", "email": {"html": "{{ x }}"}}));
        let html = render(&page, json!({"x": value})).unwrap().html.unwrap();
        prop_assert!(!html.contains(['<', '>', '"', '\'']));
    }

    #[test]
    fn no_source_panics(source in "(\\{\\{|\\}\\}|\\{%|%\\}| if | for | in |end|[a-c.|()'0-9 ]){0,20}") {
        let template = english(json!({"title": &source, "body": &source}));
        let values = json!({"a": 1, "b": [1], "c": {"a": 1}});
        let _ = (template.validate(), template.variables(), render(&template, values));
    }
}

#[test]
fn a_value_is_not_expanded_again() {
    let values = json!({"x": "{{ secret }}{% for i in [1] %}", "secret": "s"});
    assert_eq!(body("{{ x }}", values), Ok("{{ secret }}{% for i in [1] %}".to_owned()));
}
