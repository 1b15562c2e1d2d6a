//! Pages of several shards as one.

use super::*;

fn client(id: &str, queued: u64) -> Client {
    Client {
        id: id.into(),
        connection: None,
        subscriptions: 0,
        in_flight: 0,
        queued,
        expiry: Expiry::Left(Duration::ZERO),
    }
}

fn page(clients: Vec<Client>, more: bool) -> Page {
    let next = clients.last().filter(|_| more);
    let next = next.map(|last| Mark { weight: 0, client: Arc::clone(&last.id) });
    let totals = Totals { sessions: 10, ..Totals::default() };
    Page { matching: clients.len() as u64, clients, totals, next }
}

fn ids(page: &Page) -> Vec<&str> {
    page.clients.iter().map(|client| &*client.id).collect()
}

#[test]
fn a_page_ends_where_any_shard_has_more() {
    let one = || page(vec![client("a", 1), client("d", 0)], false);
    let other = || page(vec![client("b", 3), client("c", 2)], true);
    let all = Page::merge(vec![one(), other()], Order::Id, 3);
    assert_eq!(ids(&all), ["a", "b", "c"]);
    assert_eq!((all.matching, all.totals.sessions), (4, 20));
    assert_eq!(all.next, Some(Mark { weight: 0, client: "c".into() }));
    let last = Page::merge(vec![one()], Order::Id, 2);
    assert_eq!(last.next, None);
    let waiting = Page::merge(vec![one(), other()], Order::Waiting, 2);
    assert_eq!(ids(&waiting), ["b", "c"]);
}

#[test]
fn a_mark_stands_between_clients_of_the_same_weight() {
    let mark = Mark { weight: 5, client: "m".into() };
    let behind = [(5, "n"), (4, "a"), (0, "z")];
    assert!(behind.iter().all(|(weight, client)| mark.is_before(*weight, client)));
    let before = [(5, "m"), (5, "l"), (6, "z")];
    assert!(!before.iter().any(|(weight, client)| mark.is_before(*weight, client)));
}

#[test]
fn a_mark_is_the_same_after_a_way_through_an_address() {
    for order in [Order::Id, Order::Rate, Order::Waiting] {
        let weight = if order == Order::Id { 0 } else { 17 };
        let mark = Mark { weight, client: "a.b/c".into() };
        assert_eq!(Mark::parse(&mark.text(order), order), Some(mark));
        assert_eq!(Order::parse(order.word()), Some(order));
    }
    assert_eq!(Mark::parse("many.anna", Order::Rate), None);
}

#[test]
fn a_message_in_a_queue_weighs_more_than_any_output() {
    let weigh = |queued, bytes| Order::Waiting.weight_of(0, queued, bytes);
    assert!(weigh(1, 0) > weigh(0, u64::MAX));
    assert!(weigh(0, 2) > weigh(0, 1));
    assert_eq!(Order::Rate.weight_of(7, 9, 9), 7);
}
