//! Entries and their changes: from an `entry` to the items of its values.

use std::sync::Arc;

use smallvec::SmallVec;

use super::contacts::Contacts;
use super::events::Events;
use super::history::Thread;
use super::item::{
    ChangeContext, FromItem, Item, ItemContext, Reader, SIGNUP, STANDBY, has_lists, reader_of_list,
    reader_of_value,
};
use super::summary::Summary;
use crate::event::{Reason, UserSubscribed};
use crate::json::{Fault, Member, Node, Omissions, Path, read_scalar};
use crate::model::{
    Account, ConversationContext, Identity, Numbers, PhoneNumberId, Timestamp, UserSide, WaId,
    WabaId,
};

/// Reads an entry, and returns whether it has no changes.
pub(super) fn read_entry(events: &mut Events<'_>, path: Path<'_>, json: Node<'_>) -> bool {
    let mut entry = Entry::default();
    match entry.read(events, path, json) {
        Ok(changes) => changes == 0,
        Err(fault) => {
            events.unrecognized(&entry.context(), path, fault, json);
            false
        }
    }
}

/// The members that all changes of an entry share.
#[derive(Default)]
struct Entry {
    /// Moved to the first account.
    waba_id: Option<WabaId>,
    time: Option<Timestamp>,
    /// The account of the last change.
    account: Option<Arc<Account>>,
}

const ENTRY_MEMBERS: [&str; 3] = ["id", "time", "changes"];
const CHANGE_MEMBERS: [&str; 2] = ["field", "value"];

impl Entry {
    fn read(
        &mut self,
        events: &mut Events<'_>,
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
                events.unrecognized(&self.context(), path.member(name), Fault::Malformed, json);
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
            if let Err(fault) = self.read_change(events, path, json) {
                events.unrecognized(&self.context(), path, fault, json);
            }
        }
        Ok(count)
    }

    fn read_change(
        &mut self,
        events: &mut Events<'_>,
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
            let account = self.account(Number::default());
            let change = ChangeContext::new(field, account, self.time);
            events.unrecognized(&change, path, Fault::Missing("value".into()), json);
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
            Some(Ok(lists)) => read_lists(events, &change, path, &lists),
            Some(Err(fault)) => {
                let alone = ItemContext::alone(&change);
                let item = Item::new(value, 0, path, &alone);
                events.unrecognized_item(&item, UserSide::Either, fault);
            }
            None => read_value(events, &change, path, value),
        }
        Ok(())
    }

    /// Reports the members of an entry or a change that this version does not know.
    fn report_others<'a>(
        &mut self,
        events: &mut Events<'_>,
        field: Option<&str>,
        path: Path<'_>,
        others: impl Iterator<Item = Member<'a>>,
    ) {
        for member in others {
            let account = self.account(Number::default());
            let change = ChangeContext::new(field, account, self.time);
            let alone = ItemContext::alone(&change);
            events.unknown(&alone, path.member(&member.name()), member);
        }
    }

    /// Returns the context of values beside the changes' own.
    fn context(&mut self) -> ChangeContext<'static> {
        ChangeContext::new(None, self.account(Number::default()), self.time)
    }

    /// Returns the account with the number that a value names.
    fn account(&mut self, number: Number) -> Arc<Account> {
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
        Arc::clone(self.account.insert(number.account(waba_id)))
    }
}

/// The number of the business, as `metadata` has it.
#[derive(Default)]
struct Number {
    id: Option<PhoneNumberId>,
    display: Option<Box<str>>,
}

impl Number {
    /// Reads `metadata`.
    fn read(metadata: Node<'_>) -> Option<Self> {
        let ([id, display], _) = metadata.split(&NUMBER_MEMBERS).ok()?;
        let display = display.and_then(read_scalar::<WaId>);
        Some(Self {
            id: id.and_then(read_scalar),
            display: display.map(|display| String::from(display).into()),
        })
    }

    fn account(self, waba_id: Option<WabaId>) -> Arc<Account> {
        Arc::new(Account {
            waba_id,
            phone_number_id: self.id,
            display_phone_number: self.display,
        })
    }
}

/// Returns the number that a value names.
fn number_of(value: Node<'_>) -> Option<Number> {
    Number::read(value.only("metadata").ok()??)
}

const NUMBER_MEMBERS: [&str; 2] = ["phone_number_id", "display_phone_number"];

/// Reports the members of `metadata` that are malformed or unknown.
fn report_metadata(
    events: &mut Events<'_>,
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
        Err(fault) => return events.unrecognized(change, path, fault, metadata),
    };
    for member in metadata.others(&NUMBER_MEMBERS) {
        let name = member.name();
        events.unrecognized(
            change,
            path.member(&name),
            Reason::UnknownMember,
            member.value,
        );
    }
    for ((name, json), is_read) in NUMBER_MEMBERS.into_iter().zip(members).zip(is_read) {
        if let Some(json) = json.filter(|_| !is_read) {
            events.unrecognized(change, path.member(name), Fault::Malformed, json);
        }
    }
}

/// Takes a value apart if its field has lists.
fn split_lists<'a>(field: Option<&'a str>, json: Node<'a>) -> Option<Result<Value<'a>, Fault>> {
    let field = field.filter(|field| has_lists(field))?;
    let is_list = field == SIGNUP && json.is_array();
    (!is_list).then(|| Value::new(field, json, field == STANDBY))
}

/// Reads a value without lists.
fn read_value(events: &mut Events<'_>, change: &ChangeContext<'_>, path: Path<'_>, json: Node<'_>) {
    match change.field {
        Some(SIGNUP) if json.is_array() => read_signups(events, change, path, json),
        field => read_whole(events, change, path, json, field.and_then(reader_of_value)),
    }
}

/// Reads a value that is one item.
fn read_whole(
    events: &mut Events<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    json: Node<'_>,
    reader: Option<&'static Reader>,
) {
    // A signup counts under any field.
    if let Ok(Some(signup)) = json.only(SIGNUP) {
        read_signups(events, change, path.member(SIGNUP), signup);
    }
    if reader.is_some_and(|reader| !events.selects(reader)) {
        return events.skip(1);
    }
    let alone = ItemContext::alone(change);
    let item = Item::new(json, 0, path, &alone);
    item.add(events, reader.unwrap_or(&UNKNOWN_FIELD));
}

/// Reads signups in a value that holds nothing else of a conversation.
fn read_signups(
    events: &mut Events<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    json: Node<'_>,
) {
    List::itself(json).read(events, path, &ItemContext::alone(change), true);
}

/// Reads a value that holds lists.
fn read_lists(
    events: &mut Events<'_>,
    change: &ChangeContext<'_>,
    path: Path<'_>,
    value: &Value<'_>,
) {
    value.read(events, change, path);
    let Some(nested) = value.nested else {
        return;
    };
    let path = path.member(STANDBY);
    // Another level is unknown, and would end with the stack.
    let lists = Value::new(value.field, nested, false);
    let number = match &lists {
        Ok(lists) => lists.number(),
        Err(_) => number_of(nested),
    };
    let account = match number {
        Some(number) => number.account(change.account.waba_id.clone()),
        None => Arc::clone(&change.account),
    };
    let change = ChangeContext::new(change.field, account, change.time);
    match lists {
        Ok(lists) => lists.read(events, &change, path),
        Err(fault) => events.unrecognized(&change, path, fault, nested),
    }
}

/// A value that holds lists, taken apart.
struct Value<'a> {
    field: &'a str,
    json: Node<'a>,
    product: Option<Node<'a>>,
    metadata: Option<Node<'a>>,
    contacts: Option<Node<'a>>,
    /// `messages`, `statuses`, and then the others in the order of the body.
    lists: SmallVec<[List<'a>; 2]>,
    conversation_context: Option<Node<'a>>,
    /// The value of the field `standby` has the lists one level deeper.
    nested: Option<Node<'a>>,
    has_unknown: bool,
}

/// The members of nearly all values with lists.
const VALUE_MEMBERS: [&str; 5] = [PRODUCT, "metadata", "contacts", "messages", "statuses"];

/// The member that names Meta's product.
const PRODUCT: &str = "messaging_product";

/// The member that is an object or a list, and is of the messages beside it, too.
const CONVERSATION_CONTEXT: &str = "conversation_context";

impl<'a> Value<'a> {
    /// Takes a value apart. If it `may_nest`, its member `standby` has the lists.
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
                let reader = reader_of_list(field, name).unwrap_or(&UNKNOWN_LIST);
                value.lists.push(List::member(json, reader));
            }
        }
        if has_others {
            value.add_others(may_nest)?;
        }
        Ok(value)
    }

    /// Returns the number that the value names.
    fn number(&self) -> Option<Number> {
        self.metadata.and_then(Number::read)
    }

    /// Adds the members that few values have.
    #[cold]
    fn add_others(&mut self, may_nest: bool) -> Result<(), Fault> {
        let json = self.json;
        let others = || json.others(&VALUE_MEMBERS);
        let mut has_signup = false;
        for (at, member) in others().enumerate() {
            let name = member.name();
            let reader = reader_of_list(self.field, &name);
            let is_repeated = || others().take(at).any(|before| before.is_named(&name));
            // It is not known which of two lists counts.
            if (reader.is_some() || name == STANDBY) && is_repeated() {
                return Err(Fault::Duplicate(name.into()));
            }
            has_signup |= name == SIGNUP;
            if name == CONVERSATION_CONTEXT {
                self.conversation_context = Some(member.value);
            }
            match reader {
                _ if may_nest && name == STANDBY => self.nested = Some(member.value),
                Some(_) if member.value.is_null() => {}
                Some(reader) => self.lists.push(List::member(member.value, reader)),
                None => self.has_unknown = true,
            }
        }
        // The value is the signup, and has its members.
        if self.field == SIGNUP && !has_signup && self.has_unknown {
            self.has_unknown = false;
            self.lists.push(List::itself(self.json));
        }
        Ok(())
    }

    /// Reads all items, and reports the members that are malformed or unknown.
    fn read(&self, events: &mut Events<'_>, change: &ChangeContext<'_>, path: Path<'_>) {
        let path_of_contacts = path.member("contacts");
        if let Some(metadata) = self.metadata {
            report_metadata(events, change, path.member("metadata"), metadata);
        }
        if let Some(product) = self.product.filter(|product| !product.is_text()) {
            events.unrecognized(change, path.member(PRODUCT), Fault::Malformed, product);
        }
        if let Some(contacts) = self.contacts.filter(|contacts| !contacts.is_array()) {
            events.unrecognized(change, path_of_contacts, Fault::Malformed, contacts);
        }
        // Contacts of items that are not read need not be read. No list is read then, though
        // a receiver may connect meanwhile: its events would lack their contacts.
        let selects = |list: &List<'_>| events.selects(list.reader);
        let is_read = events.selects_all() || self.well_formed_lists().any(selects);
        let contacts = self
            .contacts
            .filter(|contacts| is_read && contacts.is_array());
        let numbers = Numbers {
            business: change.account.display_phone_number.as_deref(),
            user: None,
        };
        let have_one_user = || self.have_one_user(numbers);
        let mut contacts = Contacts::new(contacts, &have_one_user);
        contacts.read(events, change, path_of_contacts);
        let context = self.conversation_context;
        let context = context.and_then(|json| Omissions::default().read(json).ok());
        let context = ItemContext {
            change,
            contacts: Some(&contacts),
            conversation_context: context.map(Arc::<ConversationContext>::new),
        };
        for list in &self.lists {
            list.read(events, path, &context, is_read);
        }
        for member in self.unknown() {
            events.unknown(&context, path.member(&member.name()), member);
        }
        contacts.report_unmatched(events, change, path_of_contacts);
    }

    /// Returns the members that this version does not know. A hostile value may have a million.
    fn unknown(&self) -> impl Iterator<Item = Member<'a>> {
        let json = self.has_unknown.then_some(self.json);
        let others = json
            .into_iter()
            .flat_map(|json| json.others(&VALUE_MEMBERS));
        others.filter(|member| {
            let nested = self.nested.filter(|nested| nested.is_same(member.value));
            nested.is_none() && reader_of_list(self.field, &member.name()).is_none()
        })
    }

    fn well_formed_lists(&self) -> impl Iterator<Item = &List<'a>> {
        self.lists.iter().filter(|list| list.is_well_formed())
    }

    /// Whether it has one item, or all of its items name one user. An item of an unknown list
    /// counts beside others only if it names a user.
    fn have_one_user(&self, numbers: Numbers<'_>) -> bool {
        let user = |side, item| Summary::of(item).into_user(side, numbers).0;
        let known = || {
            let lists = self
                .well_formed_lists()
                .filter(|list| list.reader.is_about_user);
            lists.flat_map(|list| list.items().map(|item| (list.reader.side, item)))
        };
        let unknown = || self.unknown().flat_map(|member| member.value.elements());
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

/// The items of one member of a value, or the value itself.
struct List<'a> {
    json: Node<'a>,
    is_itself: bool,
    reader: &'static Reader,
}

impl<'a> List<'a> {
    fn member(json: Node<'a>, reader: &'static Reader) -> Self {
        let is_itself = false;
        Self {
            json,
            is_itself,
            reader,
        }
    }

    /// A value that is a signup, or a list of them.
    fn itself(json: Node<'a>) -> Self {
        let (is_itself, reader) = (true, UserSubscribed::READER);
        Self {
            json,
            is_itself,
            reader,
        }
    }

    /// Whether it is an array, or the object that a signup or a context may be.
    fn is_well_formed(&self) -> bool {
        let may_be_object = || {
            let member = self.json.as_member();
            self.is_itself || member.is_named(SIGNUP) || member.is_named(CONVERSATION_CONTEXT)
        };
        self.json.is_array() || (self.json.is_object() && may_be_object())
    }

    fn items(&self) -> impl Iterator<Item = Node<'a>> {
        let single = (!self.json.is_array()).then_some(self.json);
        self.json.elements().chain(single)
    }

    /// Reads each item and adds its events, if the items are read at all. `path` is that of the
    /// value.
    fn read(
        &self,
        events: &mut Events<'_>,
        path: Path<'_>,
        context: &ItemContext<'_>,
        is_read: bool,
    ) {
        if self.is_itself {
            self.read_at(events, path, context, is_read);
        } else {
            let name = self.json.as_member().name();
            self.read_at(events, path.member(&name), context, is_read);
        }
    }

    fn read_at(
        &self,
        events: &mut Events<'_>,
        path: Path<'_>,
        context: &ItemContext<'_>,
        is_read: bool,
    ) {
        if !self.is_well_formed() {
            events.unrecognized(context.change, path, Fault::Malformed, self.json);
        } else if !is_read || !events.selects(self.reader) {
            events.skip(self.items().count());
        } else if self.json.is_array() {
            read_each(events, path, self.json, context, None, self.reader);
        } else {
            Item::new(self.json, 0, path, context).add(events, self.reader);
        }
    }
}

/// Reads each element of a list, and adds its events.
pub(super) fn read_each(
    events: &mut Events<'_>,
    path: Path<'_>,
    list: Node<'_>,
    context: &ItemContext<'_>,
    thread: Option<&Thread>,
    reader: &Reader,
) {
    events.reserve(list.elements().count());
    for (at, json) in list.elements().enumerate() {
        let item = Item::new(json, at, path.element(at), context);
        Item { thread, ..item }.add(events, reader);
    }
}

/// The reader of a list that the field should not have.
const UNKNOWN_LIST: Reader = Reader {
    read: |_, _| Err(Reason::UnknownMember),
    is_about_user: true,
    side: UserSide::Either,
    has_receivers: |_| false,
};

/// The reader of a value whose field this version does not know.
const UNKNOWN_FIELD: Reader = Reader {
    read: |_, _| Err(Reason::UnknownField),
    ..UNKNOWN_LIST
};
