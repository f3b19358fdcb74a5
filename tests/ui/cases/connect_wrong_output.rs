use whatsapp_signals::Signal;
use whatsapp_signals::event::MessageTemplateComponentsUpdate as Update;

static EDITED: Signal<Update> = Signal::new("edited");

fn main() {
    EDITED.connect(|update: &Update| format!("{update:?}")).detach();
}
