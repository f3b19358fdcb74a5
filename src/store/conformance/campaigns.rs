//! Campaigns, their refusals and their messages.

use super::messages::{add_contacts, find};
use super::sample::{
    campaign, campaign_key, changes, later, load_query, message, message_key, new_message, number,
    other_tenant, tenant, upsert,
};
use super::{commit, expect, load};
use crate::model::{CampaignId, MessageStatus};
use crate::store::{
    CampaignKey, CampaignMessages, CampaignRow, Changes, MessageKey, NewMessage, NewStatus, Scope,
    Store, Tenant, Upsert, Versioned,
};

type NewMessages = Vec<Upsert<MessageKey, NewMessage<'static>>>;

async fn list(store: &dyn Store, tenant: Option<&Tenant>) -> Vec<(CampaignKey, CampaignRow)> {
    expect(store.campaigns(tenant).await, "a list of campaigns")
}

pub(super) async fn campaigns_are_stored(store: &dyn Store) {
    let keys = [
        campaign_key(tenant(), "a"),
        campaign_key(tenant(), "b \"'\\ \u{1f6b2}"),
        campaign_key(other_tenant(), "a"),
    ];
    let mut rows = [campaign(1), campaign(2), campaign(3)];
    rows[1].refused = 1 << 40;
    let [a, b, of_other] = std::array::from_fn(|n| (keys[n].clone(), rows[n].clone()));
    let added = [&b, &of_other, &a].map(|(key, row)| upsert(key.clone(), None, row.clone()));
    commit(store, &changes! { campaigns: added }, "new campaigns").await;
    let found = list(store, Some(&tenant())).await;
    assert_eq!(found, [a.clone(), b.clone()], "in the order of their ids");
    let found = list(store, None).await;
    assert_eq!(found, [a, b, of_other], "in the order of tenants and ids");
    let none = list(store, Some(&Tenant::new(""))).await;
    assert_eq!(none, [], "those of a tenant without campaigns");

    let mut replacing = campaign(7);
    replacing.completions = 2;
    replacing.refused = 3;
    let changed = [upsert(keys[1].clone(), Some(1), replacing.clone())];
    commit(
        store,
        &changes! { campaigns: changed },
        "a campaign with its version",
    )
    .await;
    let found = load(store, &load_query! { campaigns: [keys[1].clone()] }).await;
    replacing.refused = 1 << 40;
    let expected = Some(Versioned {
        version: 2,
        row: replacing,
    });
    assert_eq!(
        found.campaigns[&keys[1]], expected,
        "all is replaced but the count of refusals"
    );
}

pub(super) async fn refusals_are_counted(store: &dyn Store) {
    let ours = campaign_key(tenant(), "a");
    let rows = [
        upsert(ours.clone(), None, campaign(1)),
        upsert(campaign_key(tenant(), "b"), None, campaign(1)),
        upsert(campaign_key(other_tenant(), "a"), None, campaign(1)),
    ];
    commit(store, &changes! { campaigns: rows }, "new campaigns").await;
    let unknown = campaign_key(tenant(), "unknown");
    let refusals = [ours.clone(), unknown, ours.clone()];
    commit(store, &changes! { refusals: refusals }, "refusals").await;
    let counts = async || {
        let rows = list(store, None).await.into_iter();
        rows.map(|(_, row)| row.refused).collect::<Vec<_>>()
    };
    assert_eq!(counts().await, [2, 0, 0], "each refusal counts");

    // An update of a campaign keeps its refusals.
    let rows = [upsert(ours.clone(), Some(1), campaign(2))];
    let changes = changes! { campaigns: rows, refusals: [ours.clone()] };
    commit(store, &changes, "a campaign and a refusal").await;
    assert_eq!(
        counts().await,
        [3, 0, 0],
        "those of before, and the new one"
    );

    let (new, row) = (campaign_key(tenant(), "new"), campaign(1));
    let changes = changes! { campaigns: [upsert(new.clone(), None, row)], refusals: [new] };
    commit(store, &changes, "a new campaign and a refusal").await;
    assert_eq!(
        counts().await,
        [3, 0, 1, 0],
        "that of a new campaign counts"
    );
}

fn part_of(key: MessageKey, status: Option<MessageStatus>, id: &str, at: i64) -> NewMessages {
    let mut new = new_message(message(key.id.as_str()), later(at));
    new.status = status;
    new.campaign = Some(id.into());
    vec![upsert(key, None, new)]
}

/// Returns the messages of campaigns, sorted by status.
async fn messages_of(store: &dyn Store, keys: &[CampaignKey]) -> Vec<CampaignMessages> {
    let mut found = expect(store.campaign_messages(keys).await, "messages of campaigns");
    for messages in &mut found {
        // A store may return a status in several parts.
        let mut sums: Vec<(Option<MessageStatus>, u64)> = Vec::new();
        for (status, count) in &messages.by_status {
            match sums.iter_mut().find(|(known, _)| known == status) {
                Some((_, sum)) => *sum += count,
                None => sums.push((status.clone(), *count)),
            }
        }
        sums.sort_by_key(|(status, _)| status.as_ref().map(|status| status.as_str().to_owned()));
        messages.by_status = sums;
    }
    found
}

pub(super) async fn messages_of_campaigns_are_counted(store: &dyn Store) {
    use MessageStatus::{Delivered, Failed, Sent};

    add_contacts(store).await;
    let key = |n, id| message_key(number(n), id);
    let mut messages = part_of(key(1, "wamid.A"), None, "a", 1);
    messages.extend(part_of(key(1, "wamid.B"), Some(Sent), "a", 5));
    messages.extend(part_of(key(2, "wamid.C"), Some(Sent), "a", 3));
    messages.extend(part_of(key(1, "wamid.D"), Some(Failed), "b", 2));
    // A number of another tenant.
    messages.extend(part_of(key(3, "wamid.E"), Some(Delivered), "a", 9));
    messages.push(upsert(
        key(1, "wamid.F"),
        None,
        new_message(message("wamid.F"), later(8)),
    ));
    commit(store, &changes! { messages: messages }, "messages").await;
    let keys = [
        campaign_key(tenant(), "b"),
        campaign_key(tenant(), "a"),
        campaign_key(other_tenant(), "a"),
        campaign_key(other_tenant(), "b"),
    ];
    let none = CampaignMessages::default();
    let expected = [
        CampaignMessages::new(vec![(Some(Failed), 1)], Some(later(2))),
        CampaignMessages::new(vec![(None, 1), (Some(Sent), 2)], Some(later(5))),
        CampaignMessages::new(vec![(Some(Delivered), 1)], Some(later(9))),
        none.clone(),
    ];
    assert_eq!(
        messages_of(store, &keys).await,
        expected,
        "in the order of the keys"
    );
    let nothing = expect(store.campaign_messages(&[]).await, "no campaigns");
    assert_eq!(nothing, [], "the messages of no campaigns");

    let state = load(store, &load_query! { messages: [key(1, "wamid.A")] }).await;
    let state = state.messages[&key(1, "wamid.A")].clone();
    let a = Some(CampaignId::from("a"));
    assert_eq!(
        state.map(|stored| stored.row.campaign),
        Some(a.clone()),
        "the state of a message has its campaign"
    );
    let found = find(store, Scope::All, "wamid.A").await;
    assert_eq!(found[0].campaign, a, "a message has its campaign");

    // A status, an updated message, and a deleted one.
    let status = NewStatus::new(Delivered, later(90));
    let again = new_message(message("wamid.C"), later(3));
    let changes = Changes {
        statuses: vec![upsert(key(1, "wamid.A"), Some(1), status)],
        messages: vec![upsert(key(2, "wamid.C"), Some(1), again)],
        deleted_messages: vec![key(1, "wamid.D")],
        ..Changes::default()
    };
    commit(store, &changes, "changes of messages").await;
    let of_a = vec![(Some(Delivered), 1), (Some(Sent), 1)];
    let of_a = CampaignMessages::new(of_a, Some(later(5)));
    assert_eq!(
        messages_of(store, &keys[..2]).await,
        [none, of_a],
        "after changes of their messages"
    );
}
