use whatsapp_signals::Signal;

fn main() {
    let signal: Signal<u32> = Signal::new("tick");
    let _connection = signal.connect(|event: &u32| async move {
        println!("{event}");
    });
}
