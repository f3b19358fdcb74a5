use whatsapp_signals::Signal;
use whatsapp_signals::event::MessageTemplateComponentsUpdate as Update;

fn main() {
    let priced: Signal<Update, u64> = Signal::answering("priced");
    let _connection = priced.connect(|update: &Update| format!("{update:?}"));
}
