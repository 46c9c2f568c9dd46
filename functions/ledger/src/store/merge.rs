//! Pages of several partitions as one page.

use dynamo::Page;

/// The first `limit` items of all, in order of their places, and whether there are more. A partition's page that has a
/// next one says nothing of what comes behind its own last item, so nothing behind that is told yet.
pub(super) fn merge<T>(pages: Vec<Page<T>>, limit: u16, place: impl Fn(&T) -> String) -> (Vec<T>, bool) {
    let known = |page: &Page<T>| page.next.as_ref().map(|_| page.items.last().map(&place).unwrap_or_default());
    let (horizon, limit) = (pages.iter().filter_map(known).min(), usize::from(limit));
    let mut items: Vec<T> = pages.into_iter().flat_map(|page| page.items).collect();
    items.sort_by_cached_key(&place);
    let all = items.len();
    if let Some(horizon) = &horizon {
        items.retain(|item| place(item) <= *horizon);
    }
    let more = horizon.is_some() || all > limit;
    items.truncate(limit);
    (items, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(items: &[&str], more: bool) -> Page<String> {
        let items = items.iter().map(|item| (*item).to_owned()).collect();
        Page { items, next: more.then(dynamo::Position::new) }
    }

    #[test]
    fn nothing_is_told_that_another_partition_may_come_before() {
        let merged = |pages, limit| merge(pages, limit, String::clone);
        let told = |items: &[&str], more| (page(items, false).items, more);
        assert_eq!(
            merged(vec![page(&["a", "d"], false), page(&["b", "c"], false)], 9),
            told(&["a", "b", "c", "d"], false)
        );
        assert_eq!(merged(vec![page(&["a", "d"], false), page(&["b", "c"], false)], 3), told(&["a", "b", "c"], true));
        // A page may end before its limit, at a megabyte.
        assert_eq!(merged(vec![page(&["a", "b"], true), page(&["c", "d", "e"], false)], 9), told(&["a", "b"], true));
        assert_eq!(merged(vec![page(&["a", "f"], true), page(&["b", "c"], true)], 9), told(&["a", "b", "c"], true));
    }
}
