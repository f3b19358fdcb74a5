use whatsapp_signals::Signal;

fn main() {
    let signal: Signal<u32> = Signal::new("tick");
    let log = String::from("ticks");
    let _connection = signal.connect(async move |_: &u32| {
        wait(&log).await;
    });
}

async fn wait(_: &str) {}
