//! Transactions: of one statement, or of several that are on the wire at once.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use deadpool_postgres::{Object, Pool};
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row, SimpleQueryMessage, Statement};
use whatsapp_signals::store::{Durability, StoreError, StoreErrorKind};

use crate::calls::{Calls, needs_begin};
use crate::error::{corrupt_row, from_pool, from_postgres, in_commit};
use crate::row::Param;
use crate::schema::Schema;

/// The statements of a transaction, in order.
pub(crate) struct Batch<'a> {
    schema: &'a Schema,
    statements: Vec<(Arc<str>, Vec<Param<'a>>)>,
}

impl<'a> Batch<'a> {
    /// Creates an empty batch.
    pub(crate) fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            statements: Vec::new(),
        }
    }

    /// Adds a statement.
    pub(crate) fn push(&mut self, sql: &'static str, params: Vec<Param<'a>>) {
        self.statements.push((self.schema.statement(sql), params));
    }
}

/// The rows of each statement.
pub(crate) type Results = Vec<Vec<Row>>;

type Request<'a> = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>;

enum Answer {
    Rows(Vec<Row>),
    /// The answer to statements in one text, without parameters.
    Messages(Vec<SimpleQueryMessage>),
}

/// Begins a transaction whose statements use indexes, by cached plans.
///
/// The server keeps a plan until a table is analyzed, and would scan a table that was empty when the
/// plan was made. Planning a statement each time would take longer than running it. Without scans, the
/// cost of a plan may exceed the threshold of the JIT compiler, which takes a second.
macro_rules! begin {
    ($begin:literal) => {
        concat!(
            $begin,
            "; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
            SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
        )
    };
}

/// Statements that commit together see each other's locks and the newest rows.
///
/// A standby refuses `READ WRITE`. In the `BEGIN`, that would leave no transaction, and each
/// statement would commit by itself if the standby were promoted before it.
const BEGIN_DISK: &str = begin!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET TRANSACTION READ WRITE; \
    SET LOCAL synchronous_commit = on"
);
const BEGIN_PROCESS: &str = begin!(
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET TRANSACTION READ WRITE; \
    SET LOCAL synchronous_commit = off"
);
const BEGIN_READ: &str = begin!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
const BEGIN_READ_AT: &str = concat!(
    begin!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
    "; SELECT schema.now()"
);

/// Returns the statements that begin a transaction that writes.
pub(crate) fn begin(durability: Durability) -> &'static str {
    match durability {
        Durability::Process => BEGIN_PROCESS,
        _ => BEGIN_DISK,
    }
}

/// Returns a connection that is not known to be closed.
pub(crate) async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    loop {
        let client = pool.get().await.map_err(from_pool)?;
        if !client.is_closed() {
            return Ok(client);
        }
        // The pool drops it, and creates another one.
        drop(Object::take(client));
    }
}

/// Commits by one statement, which is its own transaction. If the transactions of the session have
/// another isolation level or are read-only by default, they begin with [`begin`].
pub(crate) async fn commit(
    pool: &Pool,
    schema: &Schema,
    calls: Calls<'_>,
    durability: Durability,
) -> Result<(), StoreError> {
    let (sql, params) = calls.into_statement(schema);
    if !schema.needs_begin() {
        let client = connection(pool).await?;
        let done = execute(&client, &sql, &params).await;
        if put_back(client, done)? {
            return Ok(());
        }
    }
    let batch = Batch {
        schema,
        statements: vec![(sql.into(), params)],
    };
    write(pool, durability, &batch).await?;
    // A standby refused the statement, as its transactions are read-only until it is promoted.
    schema.set_needs_begin();
    Ok(())
}

/// Runs a statement. Returns `false` if its transaction must be begun explicitly.
async fn execute(client: &Object, sql: &str, params: &[Param<'_>]) -> Result<bool, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(from_postgres)?;
    let (is_complete, error) = match client.query_raw(&statement, refs(params)).await {
        Ok(rows) => {
            let mut rows = pin!(rows);
            loop {
                match rows.try_next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(true),
                    Err(error) => break (rows.rows_affected().is_some(), error),
                }
            }
        }
        Err(error) => (false, error),
    };
    if error
        .code()
        .is_some_and(|code| code.code() == needs_begin!())
    {
        return Ok(false);
    }
    // The server commits once the statement is complete.
    Err(in_commit(error, is_complete))
}

/// Runs a transaction that writes, in one round trip.
///
/// The `COMMIT` is sent with the statements, and the server rolls back after a failed one. So a
/// statement that finds a conflict must fail.
pub(crate) async fn write(
    pool: &Pool,
    durability: Durability,
    batch: &Batch<'_>,
) -> Result<Results, StoreError> {
    let (_, results) = transact(pool, begin(durability), batch).await?;
    Ok(results)
}

/// Reads as of one moment, in one round trip, and returns the time of the store, too.
pub(crate) async fn read_at(pool: &Pool, batch: &Batch<'_>) -> Result<(i64, Results), StoreError> {
    let begin = batch.schema.statement(BEGIN_READ_AT);
    let (opening, results) = read(pool, &begin, batch).await?;
    let now = opening.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    Ok((now.ok_or_else(corrupt_row)?, results))
}

/// Reads by one statement.
pub(crate) async fn query(
    pool: &Pool,
    schema: &Schema,
    sql: &'static str,
    params: Vec<Param<'_>>,
) -> Result<Vec<Row>, StoreError> {
    let mut batch = Batch::new(schema);
    batch.push(sql, params);
    let (_, mut results) = read(pool, BEGIN_READ, &batch).await?;
    Ok(results.remove(0))
}

/// Runs a transaction that reads, in one round trip.
async fn read(
    pool: &Pool,
    begin: &str,
    batch: &Batch<'_>,
) -> Result<(Vec<SimpleQueryMessage>, Results), StoreError> {
    match transact(pool, begin, batch).await {
        Err(error) if is_of_connection(&error) => {
            let results = transact(pool, begin, batch).await;
            results.map_err(unavailable)
        }
        results => results,
    }
}

/// Returns true if a read may succeed on a new connection.
fn is_of_connection(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        StoreErrorKind::Unavailable | StoreErrorKind::Unknown
    )
}

/// Maps the error of a read, which cannot have written anything.
fn unavailable(error: StoreError) -> StoreError {
    match error.kind() {
        StoreErrorKind::Unknown => StoreError::new(StoreErrorKind::Unavailable, error),
        _ => error,
    }
}

/// Returns a connection to its pool, or closes it if it is lost or its server is read-only, which the
/// pool would not detect at once.
pub(crate) fn put_back<T>(client: Object, result: Result<T, StoreError>) -> Result<T, StoreError> {
    if result.as_ref().is_err_and(is_of_connection) {
        drop(Object::take(client));
    }
    result
}

/// Runs a transaction, and returns the response to its beginning and those to its statements.
async fn transact(
    pool: &Pool,
    begin: &str,
    batch: &Batch<'_>,
) -> Result<(Vec<SimpleQueryMessage>, Results), StoreError> {
    let client = connection(pool).await?;
    let results = match prepare(&client, batch).await {
        Ok(statements) => run(&client, begin, &statements, batch).await,
        Err(error) => Err(error),
    };
    put_back(client, results)
}

async fn prepare(client: &Object, batch: &Batch<'_>) -> Result<Vec<Statement>, StoreError> {
    let mut statements = Vec::with_capacity(batch.statements.len());
    for (sql, _) in &batch.statements {
        let statement = client.prepare_cached(sql).await;
        statements.push(statement.map_err(from_postgres)?);
    }
    Ok(statements)
}

fn refs<'p>(params: &'p [Param<'_>]) -> Vec<&'p (dyn ToSql + Sync)> {
    let refs = params.iter().map(|param| &**param as &(dyn ToSql + Sync));
    refs.collect()
}

/// Sends all statements, then awaits their responses.
async fn run(
    client: &Object,
    begin: &str,
    statements: &[Statement],
    batch: &Batch<'_>,
) -> Result<(Vec<SimpleQueryMessage>, Results), StoreError> {
    let params: Vec<_> = batch.statements.iter().map(|(_, p)| refs(p)).collect();
    let mut requests: Vec<Request<'_>> = Vec::with_capacity(statements.len() + 2);
    requests.push(simple(client, begin));
    for (statement, params) in statements.iter().zip(&params) {
        requests.push(Box::pin(async move {
            let rows = client.query(statement, params).await?;
            Ok(Answer::Rows(rows))
        }));
    }
    // A request is sent at its first poll.
    let mut answers: Vec<Option<Result<Answer, Error>>> = Vec::with_capacity(requests.len() + 1);
    poll_fn(|context| {
        for request in &mut requests {
            answers.push(match request.as_mut().poll(context) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            });
        }
        // A request that could not be sent is no part of the transaction.
        let is_whole = !answers.iter().any(|answer| matches!(answer, Some(Err(_))));
        let mut end = simple(client, if is_whole { "COMMIT" } else { "ROLLBACK" });
        answers.push(match end.as_mut().poll(context) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        });
        requests.push(end);
        Poll::Ready(())
    })
    .await;
    let is_sent = !answers.iter().any(|answer| matches!(answer, Some(Err(_))));

    let last = requests.len() - 1;
    let (mut opening, mut results) = (Vec::new(), Vec::with_capacity(statements.len()));
    for (n, (request, answer)) in requests.into_iter().zip(answers).enumerate() {
        let answer = match answer {
            Some(answer) => answer,
            None => request.await,
        };
        match answer {
            Ok(Answer::Rows(rows)) => results.push(rows),
            Ok(Answer::Messages(messages)) if n == 0 => opening = messages,
            Ok(Answer::Messages(_)) => {}
            Err(error) if is_sent => return Err(in_commit(error, n == last)),
            Err(error) => return Err(from_postgres(error)),
        }
    }
    Ok((opening, results))
}

fn simple<'a>(client: &'a Object, sql: &'a str) -> Request<'a> {
    Box::pin(async move {
        let messages = client.simple_query(sql).await?;
        Ok(Answer::Messages(messages))
    })
}
