use whatsapp_signals::{Signal, with_state};

fn main() {
    let signal: Signal<u32> = Signal::new("tick");
    let log = String::from("ticks");
    let state = 7_u32;
    let _connection = signal.connect(with_state(state, async move |_: u32, _: &u32| {
        wait(&log).await;
    }));
}

async fn wait(_: &str) {}
