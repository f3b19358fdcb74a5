use whatsapp_signals::Signal;
use whatsapp_signals::event::MessageTemplateComponentsUpdate as Update;

fn main() {
    let signal: Signal<Update> = Signal::new("edited");
    let _connection = signal.connect(async |event| {
        println!("{event:?}");
    });
}
