//! Entries and their changes: from an `entry` to the items of the values.

use std::sync::Arc;

use smallvec::SmallVec;

use super::contacts::ContactIndex;
use super::event_sink::EventSink;
use super::fields::{SIGNUP, STANDBY, has_lists, kind_of_list, kind_of_value};
use super::item::{ChangeContext, Item, ItemContext};
use super::item_kind::{FromItem, ItemKind};
use super::summary::SummaryMembers;
use crate::event::{Reason, UserSubscribed};
use crate::json::{Fault, Member, Node, Omissions, Path, read_scalar};
use crate::model::{
    Account, ConversationContext, Identity, Numbers, PhoneNumberId, Timestamp, UserSide, WaId,
    WabaId,
};

/// Adds the events of an entry. Returns `true` for an entry without changes.
pub(super) fn add_entry(events: &mut EventSink<'_>, path: Path<'_>, json: Node<'_>) -> bool {
    let mut entry = Entry::default();
    match entry.add_changes(events, path, json) {
        Ok(changes) => changes == 0,
        Err(fault) => {
            events.report(&entry.context(), path, fault, json);
            false
        }
    }
}

/// The members of an entry for all of its changes.
#[derive(Default)]
struct Entry {
    /// Moved into the first account.
    waba_id: Option<WabaId>,
    time: Option<Timestamp>,
    /// The account of the last change.
    account: Option<Arc<Account>>,
}

const ENTRY_MEMBERS: [&str; 3] = ["id", "time", "changes"];
const CHANGE_MEMBERS: [&str; 2] = ["field", "value"];

impl Entry {
    /// Adds the events of an entry, and returns the number of its changes.
    fn add_changes(
        &mut self,
        events: &mut EventSink<'_>,
        path: Path<'_>,
        json: Node<'_>,
    ) -> Result<usize, Fault> {
        let ([id, time, changes], has_others) = json.split(&ENTRY_MEMBERS)?;
        self.waba_id = id.and_then(read_scalar);
        self.time = time.and_then(read_scalar);
        let is_read = [
            ("id", id, self.waba_id.is_some()),
            ("time", time, self.time.is_some()),
        ];
        for (name, json, is_read) in is_read {
            if let Some(json) = json.filter(|_| !is_read) {
                events.report(&self.context(), path.member(name), Fault::Malformed, json);
            }
        }
        if has_others {
            self.report_others(events, None, path, json.others(&ENTRY_MEMBERS));
        }
        let Some(changes) = changes else {
            return Ok(0);
        };
        if !changes.is_array() {
            return Err(Fault::Malformed);
        }
        let path = path.member("changes");
        let mut count = 0;
        for json in changes.elements() {
            let path = path.element(count);
            count += 1;
            if let Err(fault) = self.add_change(events, path, json) {
                events.report(&self.context(), path, fault, json);
            }
        }
        Ok(count)
    }

    fn add_change(
        &mut self,
        events: &mut EventSink<'_>,
        path: Path<'_>,
        json: Node<'_>,
    ) -> Result<(), Fault> {
        let ([field, value], has_others) = json.split(&CHANGE_MEMBERS)?;
        let field = match field {
            Some(field) => Some(field.exact_text().ok_or(Fault::Malformed)?),
            None => None,
        };
        if has_others {
            self.report_others(events, field.as_deref(), path, json.others(&CHANGE_MEMBERS));
        }
        let field = field.as_deref();
        let Some(value) = value else {
            let account = self.account(BusinessNumber::default());
            let change = ChangeContext::new(field, account, self.time);
            events.report(&change, path, Fault::Missing("value".into()), json);
            return Ok(());
        };
        let lists = split_lists(field, value);
        let number = match &lists {
            Some(Ok(lists)) => lists.number(),
            _ => number_of(value),
        };
        let account = self.account(number.unwrap_or_default());
        let change = ChangeContext::new(field, account, self.time);
        let path = path.member("value");
        match lists {
            Some(Ok(lists)) => add_lists(events, &change, path, &lists),
            Some(Err(fault)) => {
                let alone = ItemContext::alone(&change);
                let item = Item::new(value, 0, path, &alone);
                events.report_item(&item, UserSide::Either, fault);
            }
            None => add_value(events, &change, path, value),
        }
        Ok(())
    }

    /// Reports the unknown members of an entry or a change.
    fn report_others<'a>(
        &mut self,
        events: &mut EventSink<'_>,
        field: Option<&str>,
        path: Path<'_>,
        others: impl Iterator<Item = Member<'a>>,
    ) {
        for member in others {
            let account = self.account(BusinessNumber::default());
            let change = ChangeContext::new(field, account, self.time);
            let alone = ItemContext::alone(&change);
            events.report_unknown(&alone, path.member(&member.name()), member);
        }
    }

    /// Returns the context of values outside of changes.
    fn context(&mut self) -> ChangeContext<'static> {
        ChangeContext::new(None, self.account(BusinessNumber::default()), self.time)
    }

    /// Returns the account of a change with this number.
    fn account(&mut self, number: BusinessNumber) -> Arc<Account> {
        let is_same = |account: &&Arc<Account>| {
            account.phone_number_id == number.id && account.display_phone_number == number.display
        };
        if let Some(last) = self.account.as_ref().filter(is_same) {
            return Arc::clone(last);
        }
        let waba_id = match &self.account {
            None => self.waba_id.take(),
            Some(last) => last.waba_id.clone(),
        };
        Arc::clone(self.account.insert(number.into_account(waba_id)))
    }
}

/// The number of the business in `metadata`.
#[derive(Default)]
struct BusinessNumber {
    id: Option<PhoneNumberId>,
    display: Option<Box<str>>,
}

impl BusinessNumber {
    /// Reads `metadata`.
    fn read(metadata: Node<'_>) -> Option<Self> {
        let ([id, display], _) = metadata.split(&NUMBER_MEMBERS).ok()?;
        let display = display.and_then(read_scalar::<WaId>);
        Some(Self {
            id: id.and_then(read_scalar),
            display: display.map(|display| String::from(display).into()),
        })
    }

    fn into_account(self, waba_id: Option<WabaId>) -> Arc<Account> {
        Arc::new(Account {
            waba_id,
            phone_number_id: self.id,
            display_phone_number: self.display,
        })
    }
}

/// Returns the number in the `metadata` of a value.
fn number_of(value: Node<'_>) -> Option<BusinessNumber> {
    BusinessNumber::read(value.only("metadata").ok()??)
}

const NUMBER_MEMBERS: [&str; 2] = ["phone_number_id", "display_phone_number"];

/// Reports the members of `metadata` that are malformed or unknown.
fn report_metadata(
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    metadata: Node<'_>,
) {
    let account = &change.account;
    let is_read = [
        account.phone_number_id.is_some(),
        account.display_phone_number.is_some(),
    ];
    if is_read == [true; 2] && metadata.members().count() == 2 {
        return;
    }
    let (members, _) = match metadata.split(&NUMBER_MEMBERS) {
        Ok(members) => members,
        Err(fault) => return events.report(change, path, fault, metadata),
    };
    for member in metadata.others(&NUMBER_MEMBERS) {
        let name = member.name();
        events.report(
            change,
            path.member(&name),
            Reason::UnknownMember,
            member.value,
        );
    }
    for ((name, json), is_read) in NUMBER_MEMBERS.into_iter().zip(members).zip(is_read) {
        if let Some(json) = json.filter(|_| !is_read) {
            events.report(change, path.member(name), Fault::Malformed, json);
        }
    }
}

/// Splits a value if its field has lists.
fn split_lists<'a>(field: Option<&'a str>, json: Node<'a>) -> Option<Result<Value<'a>, Fault>> {
    let field = field.filter(|field| has_lists(field))?;
    let is_list = field == SIGNUP && json.is_array();
    (!is_list).then(|| Value::new(field, json, field == STANDBY))
}

/// Adds the events of a value that was not split: one item, or an array of signups.
fn add_value(
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    json: Node<'_>,
) {
    if change.field == Some(SIGNUP) && json.is_array() {
        return add_signups(events, change, path, json);
    }
    // A signup is known under any field.
    if let Ok(Some(signup)) = json.only(SIGNUP) {
        add_signups(events, change, path.member(SIGNUP), signup);
    }
    let kind = change.field.and_then(kind_of_value);
    if kind.is_some_and(|kind| !events.selects(kind.has_receivers)) {
        return events.skip(1);
    }
    let alone = ItemContext::alone(change);
    let item = Item::new(json, 0, path, &alone);
    kind.unwrap_or(&UNKNOWN_FIELD).add(events, &item);
}

/// Adds the events of signups in a value without other lists.
fn add_signups(
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    json: Node<'_>,
) {
    List::of_value(json).add_items(events, path, &ItemContext::alone(change), true);
}

/// Adds the events of a value with lists, and of the value nested in it.
fn add_lists(
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    value: &Value<'_>,
) {
    value.add_items(events, change, path);
    let Some(nested) = value.nested else {
        return;
    };
    let path = path.member(STANDBY);
    // A further level is unknown: it does not exist, and recursion could overflow the stack.
    let lists = Value::new(value.field, nested, false);
    let number = match &lists {
        Ok(lists) => lists.number(),
        Err(_) => number_of(nested),
    };
    let account = match number {
        Some(number) => number.into_account(change.account.waba_id.clone()),
        None => Arc::clone(&change.account),
    };
    let change = ChangeContext::new(change.field, account, change.time);
    match lists {
        Ok(lists) => lists.add_items(events, &change, path),
        Err(fault) => events.report(&change, path, fault, nested),
    }
}

/// A value with lists, split into its members.
struct Value<'a> {
    field: &'a str,
    json: Node<'a>,
    product: Option<Node<'a>>,
    metadata: Option<Node<'a>>,
    contacts: Option<Node<'a>>,
    /// `messages`, `statuses`, then the others in the order of the body.
    lists: SmallVec<[List<'a>; 2]>,
    conversation_context: Option<Node<'a>>,
    /// The member `standby` of the field `standby`, a value with lists.
    nested: Option<Node<'a>>,
    has_unknown: bool,
}

/// The members of nearly all values with lists, for the fast path.
const VALUE_MEMBERS: [&str; 5] = [PRODUCT, "metadata", "contacts", "messages", "statuses"];

/// The member with the name of Meta's product.
const PRODUCT: &str = "messaging_product";

/// The member with an object or a list, which is an item and also the context of the messages
/// beside it.
const CONVERSATION_CONTEXT: &str = "conversation_context";

impl<'a> Value<'a> {
    /// Splits a value. If it `may_nest`, its member `standby` is a value with lists.
    ///
    /// # Errors
    ///
    /// The fault of a value that is no object, or that has several members of one name.
    fn new(field: &'a str, json: Node<'a>, may_nest: bool) -> Result<Self, Fault> {
        let (members, has_others) = json.split(&VALUE_MEMBERS)?;
        let [product, metadata, contacts, messages, statuses] = members;
        let mut value = Self {
            field,
            json,
            product,
            metadata,
            contacts,
            lists: SmallVec::new(),
            conversation_context: None,
            nested: None,
            has_unknown: false,
        };
        for (name, json) in [("messages", messages), ("statuses", statuses)] {
            if let Some(json) = json {
                let kind = kind_of_list(field, name).unwrap_or(&UNKNOWN_LIST);
                value.lists.push(List::of_member(json, kind));
            }
        }
        if has_others {
            value.add_others(may_nest)?;
        }
        Ok(value)
    }

    /// Returns the number of the business.
    fn number(&self) -> Option<BusinessNumber> {
        self.metadata.and_then(BusinessNumber::read)
    }

    /// Adds the members of other names, which few values have.
    #[cold]
    fn add_others(&mut self, may_nest: bool) -> Result<(), Fault> {
        let json = self.json;
        let others = || json.others(&VALUE_MEMBERS);
        let mut has_signup = false;
        for (at, member) in others().enumerate() {
            let name = member.name();
            let kind = kind_of_list(self.field, &name);
            let is_repeated = || others().take(at).any(|before| before.is_named(&name));
            // A repeated list is ambiguous: neither one is used.
            if (kind.is_some() || name == STANDBY) && is_repeated() {
                return Err(Fault::Duplicate(name.into()));
            }
            has_signup |= name == SIGNUP;
            if name == CONVERSATION_CONTEXT {
                self.conversation_context = Some(member.value);
            }
            match kind {
                _ if may_nest && name == STANDBY => self.nested = Some(member.value),
                Some(_) if member.value.is_null() => {}
                Some(kind) => self.lists.push(List::of_member(member.value, kind)),
                None => self.has_unknown = true,
            }
        }
        // The value itself is a signup, and its unknown members are those of the signup.
        if self.field == SIGNUP && !has_signup && self.has_unknown {
            self.has_unknown = false;
            self.lists.push(List::of_value(self.json));
        }
        Ok(())
    }

    /// Adds the events of all items, and reports malformed and unknown members.
    fn add_items(&self, events: &mut EventSink<'_>, change: &ChangeContext<'_>, path: Path<'_>) {
        let path_of_contacts = path.member("contacts");
        if let Some(metadata) = self.metadata {
            report_metadata(events, change, path.member("metadata"), metadata);
        }
        if let Some(product) = self.product.filter(|product| !product.is_text()) {
            events.report(change, path.member(PRODUCT), Fault::Malformed, product);
        }
        if let Some(contacts) = self.contacts.filter(|contacts| !contacts.is_array()) {
            events.report(change, path_of_contacts, Fault::Malformed, contacts);
        }
        // Without selected lists, the contacts are not needed. A receiver that connects from here
        // on gets no items, as their events would lack the contacts.
        let selects = |list: &List<'_>| events.selects(list.kind.has_receivers);
        let is_selected = events.selects_all() || self.well_formed_lists().any(selects);
        let json_contacts = self.contacts.filter(|_| is_selected);
        let numbers = Numbers {
            business: change.account.display_phone_number.as_deref(),
            user: None,
        };
        let has_one_user = || self.has_one_user(numbers);
        let mut contacts = ContactIndex::new(&has_one_user);
        if let Some(json) = json_contacts {
            add_contacts(&mut contacts, events, change, path_of_contacts, json);
        }
        let context = self.conversation_context;
        let context = context.and_then(|json| Omissions::default().read(json).ok());
        let context = ItemContext {
            change,
            contacts: Some(&contacts),
            conversation_context: context.map(Arc::<ConversationContext>::new),
        };
        for list in &self.lists {
            list.add_items(events, path, &context, is_selected);
        }
        for member in self.unknown_members() {
            events.report_unknown(&context, path.member(&member.name()), member);
        }
        if let Some(json) = json_contacts {
            report_unmatched(&contacts, events, change, path_of_contacts, json);
        }
    }

    /// Returns the unknown members. They are not collected: a hostile value may have a million.
    fn unknown_members(&self) -> impl Iterator<Item = Member<'a>> {
        let json = self.has_unknown.then_some(self.json);
        let others = json
            .into_iter()
            .flat_map(|json| json.others(&VALUE_MEMBERS));
        others.filter(|member| {
            let nested = self.nested.filter(|nested| nested.is_same(member.value));
            nested.is_none() && kind_of_list(self.field, &member.name()).is_none()
        })
    }

    fn well_formed_lists(&self) -> impl Iterator<Item = &List<'a>> {
        self.lists.iter().filter(|list| list.is_well_formed())
    }

    /// Returns `true` for a value with one item, and for a value whose items all name one user.
    /// An item of an unknown list counts only if it names a user, or if it is the only item.
    fn has_one_user(&self, numbers: Numbers<'_>) -> bool {
        let user = |side, item| SummaryMembers::of(item).into_user(side, numbers).0;
        let known = || {
            let lists = self
                .well_formed_lists()
                .filter(|list| list.kind.is_about_user);
            lists.flat_map(|list| list.items().map(|item| (list.kind.side, item)))
        };
        let unknown = || {
            self.unknown_members()
                .flat_map(|member| member.value.elements())
        };
        let mut named = unknown()
            .filter_map(|item| user(UserSide::Either, item))
            .peekable();
        match known().count() {
            0 if unknown().count() == 1 => return true,
            1 if named.peek().is_none() => return true,
            _ => {}
        }
        let known = known().map(|(side, item)| user(side, item));
        let mut users = known.chain(named.map(Some));
        let first: Option<Identity> = users.next().flatten();
        first.is_some_and(|first| {
            users.all(|user| user.is_some_and(|user| user.is_same_user(&first)))
        })
    }
}

/// Reads the contacts of a value, and reports malformed ones.
fn add_contacts(
    contacts: &mut ContactIndex<'_>,
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    list: Node<'_>,
) {
    for (at, json) in list.elements().enumerate() {
        let omitted = contacts.add(at, json, events.raw(json));
        if omitted.as_ref().is_ok_and(Omissions::is_empty) {
            continue;
        }
        let alone = ItemContext::alone(change);
        let item = Item::new(json, at, path.element(at), &alone);
        match omitted {
            Ok(omitted) => events.report_omitted(&item, events.len(), UserSide::Either, omitted),
            Err(fault) => events.report_item(&item, UserSide::Either, fault),
        }
    }
}

/// Reports the contacts that no item refers to.
fn report_unmatched(
    contacts: &ContactIndex<'_>,
    events: &mut EventSink<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    list: Node<'_>,
) {
    let mut unused = contacts.unused().peekable();
    if unused.peek().is_none() {
        return;
    }
    for (at, json) in list.elements().enumerate() {
        if unused.next_if_eq(&at).is_some() {
            let alone = ItemContext::alone(change);
            let item = Item::new(json, at, path.element(at), &alone);
            events.report_item(&item, UserSide::Either, Reason::StrayContact);
        }
    }
}

/// The items of one member of a value, or the value itself as an item.
struct List<'a> {
    json: Node<'a>,
    is_value: bool,
    kind: &'static ItemKind,
}

impl<'a> List<'a> {
    fn of_member(json: Node<'a>, kind: &'static ItemKind) -> Self {
        Self {
            json,
            is_value: false,
            kind,
        }
    }

    /// Returns the list of a value that is a signup, or an array of signups.
    fn of_value(json: Node<'a>) -> Self {
        Self {
            json,
            is_value: true,
            kind: UserSubscribed::KIND,
        }
    }

    /// Returns `true` for an array, and for an object if that is a documented form.
    fn is_well_formed(&self) -> bool {
        let may_be_object = || {
            let member = self.json.as_member();
            self.is_value || member.is_named(SIGNUP) || member.is_named(CONVERSATION_CONTEXT)
        };
        self.json.is_array() || (self.json.is_object() && may_be_object())
    }

    fn items(&self) -> impl Iterator<Item = Node<'a>> {
        let single = (!self.json.is_array()).then_some(self.json);
        self.json.elements().chain(single)
    }

    /// Adds the events of each item if the value `is_selected`. `path` is the value's.
    fn add_items(
        &self,
        events: &mut EventSink<'_>,
        path: Path<'_>,
        context: &ItemContext<'_>,
        is_selected: bool,
    ) {
        if self.is_value {
            self.add_items_at(events, path, context, is_selected);
        } else {
            let name = self.json.as_member().name();
            self.add_items_at(events, path.member(&name), context, is_selected);
        }
    }

    fn add_items_at(
        &self,
        events: &mut EventSink<'_>,
        path: Path<'_>,
        context: &ItemContext<'_>,
        is_selected: bool,
    ) {
        if !self.is_well_formed() {
            events.report(context.change, path, Fault::Malformed, self.json);
        } else if !is_selected || !events.selects(self.kind.has_receivers) {
            events.skip(self.items().count());
        } else if self.json.is_array() {
            self.kind.add_each(events, path, self.json, context, None);
        } else {
            self.kind
                .add(events, &Item::new(self.json, 0, path, context));
        }
    }
}

/// The kind of the items in a list that the field should not have.
const UNKNOWN_LIST: ItemKind = ItemKind {
    add_events: |_, _| Err(Reason::UnknownMember),
    is_about_user: true,
    side: UserSide::Either,
    has_receivers: |_| false,
};

/// The kind of a value whose field is unknown.
const UNKNOWN_FIELD: ItemKind = ItemKind {
    add_events: |_, _| Err(Reason::UnknownField),
    ..UNKNOWN_LIST
};
