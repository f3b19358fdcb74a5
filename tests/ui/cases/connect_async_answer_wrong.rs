use whatsapp_signals::Signal;
use whatsapp_signals::event::MessageTemplateComponentsUpdate as Update;

fn main() {
    let priced: Signal<Update, u64> = Signal::with_responses("priced");
    let _connection = priced.connect(async |update: &Update| format!("{update:?}"));
}
