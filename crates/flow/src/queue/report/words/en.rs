//! English.

use super::{AdviceWords, WhyWords, Words};

pub(super) const WORDS: Words = Words {
    sender_name: "Mail Delivery System",
    subject_failed: "Your message could not be delivered",
    subject_delayed: "Your message has not been delivered yet",
    subject_delivered: "Your message has been delivered",
    introduction: "This is the mail server {host}.",
    failed: "Your message could not be delivered to",
    expired: "Your message could not be delivered in time, and is given up, to",
    delayed: "Your message has not been delivered yet to",
    delivered: "Your message has been delivered to",
    relayed: "Your message has been handed to the next mail server, which may not tell you whether it arrives, for",
    goes_on: "You need not do anything: it will be tried again until {until}.",
    is_over: "The message will not be tried again.",
    details: "For administrators:",
    why: WhyWords {
        no_mail_domain: "The part of the address after the @ says that it accepts no mail at all.",
        no_such_domain: "The part of the address after the @ does not exist.",
        no_mail_server: "No mail server can be found for the part of the address after the @.",
        mail_loop: "Mail for this address is led to this server, which has not been set up for it.",
        name_servers_silent: "It cannot be found out at present where mail for this address is to go.",
        unreachable: "The recipient's mail server cannot be reached, or does not answer as it should.",
        no_encryption: "Encryption is required on the way, and the recipient's mail server does not provide it.",
        unproven: "Encryption is required on the way, and the recipient's mail server could not prove that it is the right one.",
        no_promise: "You asked for encryption all the way, and the recipient's mail server does not promise that.",
        no_time_kept: "You asked for delivery within a time or not at all, and the recipient's mail server does not promise that.",
        not_signed_in: "This server could not sign in to the server by which it sends mail.",
        no_international: "The message contains international characters that the recipient's mail server cannot handle.",
        too_large: "The message is larger than the recipient's mail server accepts.",
        mailbox_full: "The recipient's mailbox is full.",
        unknown_recipient: "The recipient's mail server knows nobody of this address.",
        not_wanted: "The recipient's mail server did not want the message; its rules do not allow it.",
        refused: "The recipient's mail server refused the message.",
        not_now: "The recipient's mail server asks to try again later.",
        not_its_turn: "The server by which this one sends mail may not be given more for now.",
        ended: "An administrator of this server has ended the delivery.",
        our_fault: "This server has a fault.",
    },
    advice: AdviceWords {
        check_address: "Please check the address, and send the message again if you find a mistake.",
        tell_recipient: "Please reach the recipient in another way, and pass on what is said below, with which the \
                         administrator of that mail server can do something.",
        tell_administrator: "Please tell your own mail administrator what is said below.",
        send_less: "Please send less at once, or put large files where the recipient can fetch them.",
        wait_for_room: "Please tell the recipient in another way, and send the message again when there is room.",
        use_plain_address: "Please ask the recipient for an address of plain letters, or leave accents and other scripts \
                            out of addresses and attachments' names.",
    },
};
