//! The suite that every backend has to pass.
//!
//! A backend's tests implement [`Harness`] and hand it to [`conformance_suite!`](crate::conformance_suite), which
//! makes a `#[test]` of each case:
//!
//! ```ignore
//! posthouse_storage::conformance_suite!(MyHarness::new());
//! ```
//!
//! The cases hold a backend to what the port's documentation says and to no more; where that leaves a choice, such
//! as how far a modification sequence rises, any choice passes.

// A case that meets what it did not expect ends with a panic that says what it met: that is how a test fails.
#![allow(clippy::unwrap_used, reason = "a case fails by panicking")]

pub mod access;
pub mod account_keys;
pub mod accounts;
pub mod aliases;
pub mod annotations;
pub mod appending;
pub mod beginnings;
pub mod bodies;
pub mod changes;
pub mod concurrency;
pub mod copying;
pub mod deadlines;
pub mod delivery;
pub mod domains;
pub mod duplicates;
pub mod expunge;
pub mod flags;
pub mod future_releases;
pub mod groups;
pub mod imports;
pub mod inventory;
pub mod languages;
pub mod mailboxes;
pub mod observers;
pub mod password_history;
pub mod persistence;
pub mod queue;
pub mod queue_steering;
pub mod quotas;
pub mod received_tls_reports;
pub mod recovery;
pub mod retention;
pub mod routes;
pub mod search_index;
pub mod seen_by;
pub mod sending_quotas;
pub mod sending_watch;
pub mod settings;
pub mod sort_keys;
pub mod trail;
pub mod transport;
mod world;

use std::sync::Arc;

use async_trait::async_trait;

use crate::Storage;

/// Makes stores for the cases.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A store with nothing in it.
    async fn fresh(&self) -> Arc<dyn Storage>;

    /// Closes a store that [`Self::fresh`] or this method made, and opens it again. `None` when what it holds does
    /// not outlive it; cases about that are then passed over.
    async fn reopen(&self, storage: Arc<dyn Storage>) -> Option<Arc<dyn Storage>>;

    /// Whether the stores have an index of words. Cases about it are passed over where they have none.
    fn keeps_terms(&self) -> bool {
        true
    }
}

/// Runs one case to its end, on a runtime of its own.
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime can be made").block_on(case);
}

/// Makes a `#[test]` of each case of the suite, each with a harness of its own made by the expression.
#[macro_export]
macro_rules! conformance_suite {
    ($harness:expr) => {
        $crate::conformance_suite! { @cases $harness;
            domains::a_domain_is_made_found_changed_and_removed,
            domains::a_domain_exists_once,
            domains::a_domain_in_use_stays,
            domains::what_is_no_domain_is_not_found,
            accounts::an_account_is_made_with_all_it_has,
            accounts::an_account_is_found_in_every_way,
            accounts::an_account_that_cannot_be_made_leaves_nothing,
            accounts::an_account_changes_but_for_its_address,
            accounts::an_account_goes_with_all_its_mail,
            accounts::credentials_are_set_replaced_and_taken_away,
            account_keys::keys_are_added_used_and_removed,
            account_keys::a_key_that_cannot_be_is_refused,
            account_keys::the_main_password_is_barred,
            account_keys::keys_go_with_the_account,
            account_keys::keys_outlive_the_process,
            password_history::replaced_passwords_are_kept,
            password_history::only_so_many_passwords_are_kept,
            password_history::earlier_passwords_go_with_the_account,
            password_history::password_ages_are_listed,
            languages::languages_are_kept,
            languages::languages_belong_to_somebody,
            aliases::an_alias_is_made_replaced_and_removed,
            aliases::an_alias_that_cannot_be_is_refused,
            aliases::aliases_are_listed_by_domain,
            annotations::annotations_are_kept_for_whom_they_are,
            annotations::annotations_share_the_fate_of_their_place,
            annotations::annotations_change_together,
            annotations::annotations_are_bounded,
            annotations::annotations_are_told_of,
            quotas::usage_follows,
            quotas::quotas_of_accounts_are_kept,
            quotas::quotas_of_domains_are_kept,
            quotas::what_is_put_back_needs_room,
            quotas::quotas_hold_against_many_at_once,
            quotas::reports_pass_quotas,
            quotas::quotas_outlive_the_process,
            mailboxes::a_mailbox_is_made_found_and_removed,
            mailboxes::a_mailbox_exists_once_and_for_its_account,
            mailboxes::a_name_used_again_has_another_uid_validity,
            mailboxes::mailboxes_are_renamed_all_or_none,
            mailboxes::names_can_be_swapped,
            mailboxes::an_account_has_only_so_many,
            mailboxes::subscriptions_are_names,
            delivery::a_message_is_where_it_was_put,
            delivery::counters_follow,
            delivery::one_delivery_fills_many_mailboxes,
            delivery::a_delivery_is_all_or_nothing,
            delivery::a_delivery_to_nobody_leaves_nothing,
            delivery::equal_bodies_are_stored_once,
            delivery::a_body_can_come_from_a_file,
            delivery::a_body_can_come_from_a_source,
            delivery::a_body_that_is_not_as_announced_is_refused,
            appending::messages_are_appended_together,
            appending::an_append_is_all_or_nothing,
            appending::observers_hear_of_an_append_at_once,
            appending::a_message_is_replaced,
            appending::what_is_gone_is_not_replaced,
            imports::a_message_is_brought_in_once,
            imports::a_failed_import_is_not_remembered,
            imports::imports_outlive_the_process,
            inventory::sightings_add_up,
            inventory::sightings_are_bounded,
            inventory::sightings_go_with_the_account,
            inventory::sightings_outlive_the_process,
            bodies::slices_are_read_in_order,
            bodies::what_lies_beyond_the_end_is_left_out,
            bodies::what_was_parsed_comes_back,
            bodies::unknown_bodies_are_not_found,
            bodies::a_body_lasts_as_long_as_something_shows_it,
            flags::flags_change_in_three_ways,
            flags::messages_that_change_nothing_keep_their_modseq,
            flags::unchanged_since_leaves_changed_messages_alone,
            flags::flags_count,
            flags::flags_of_another_account_are_out_of_reach,
            copying::copies_keep_what_they_should,
            copying::a_move_leaves_nothing_behind,
            copying::copying_into_the_same_mailbox_doubles,
            copying::copies_to_nowhere_are_refused,
            expunge::what_is_asked_for_goes,
            expunge::only_deleted_messages_go,
            expunge::uids_never_come_back,
            changes::changes_since_are_complete,
            changes::modseqs_rise_throughout_an_account,
            observers::observers_see_each_change_before_it_is_answered,
            observers::observers_hear_of_the_queue,
            observers::observers_hear_of_the_directory,
            observers::failed_changes_are_not_told,
            access::access_lists_change_entry_by_entry,
            access::entries_that_cannot_be_are_refused,
            access::shared_mailboxes_are_found_by_subject,
            access::access_is_inherited_when_a_mailbox_is_made,
            access::shared_areas_are_made_and_removed,
            access::access_goes_with_what_it_is_about,
            access::observers_hear_of_rights,
            groups::a_group_is_made_found_and_removed,
            groups::members_come_and_go,
            groups::rights_go_with_the_group,
            seen_by::each_reader_has_their_own_seen,
            seen_by::flags_beyond_the_scope_stay,
            seen_by::readers_have_modseqs_of_the_owner,
            seen_by::what_was_seen_goes_with_the_message,
            seen_by::messages_go_from_owner_to_owner,
            seen_by::messages_move_from_owner_to_owner,
            seen_by::transfers_to_nowhere_are_refused,
            seen_by::what_was_seen_outlives_the_process,
            sending_quotas::what_is_sent_is_counted,
            sending_quotas::sending_quotas_are_kept,
            sending_quotas::sending_limits_have_an_order,
            sending_quotas::sending_limits_are_listed,
            sending_quotas::sending_quotas_hold_against_many_at_once,
            sending_quotas::sending_quotas_outlive_the_process,
            sending_quotas::keys_have_sending_quotas,
            sending_quotas::a_key_that_is_gone_hands_in_nothing,
            sending_quotas::quotas_of_keys_hold_against_many_at_once,
            sending_watch::a_frozen_account_does_not_send,
            sending_watch::dropped_mail_is_not_usual,
            sending_watch::bounces_are_counted,
            sending_watch::freezes_outlive_the_process,
            routes::routes_come_back,
            routes::route_logins_come_back,
            routes::route_limits_are_kept,
            queue::a_submission_comes_back_as_it_was,
            queue::due_entries_are_claimed_once_and_in_order,
            queue::entries_become_ready_when_their_time_comes,
            queue::ready_destinations_are_listed_in_pages,
            queue::claims_are_bounded,
            queue::senders_take_turns,
            queue::recipients_of_a_message_share_a_turn,
            queue::entries_are_leased_by_number,
            queue::settling_ends_leases,
            queue::what_is_put_off_is_no_attempt,
            deadlines::what_nobody_can_be_told_of_is_held,
            queue::settling_delivers_reports,
            queue::settling_is_all_or_nothing,
            future_releases::what_awaits_its_release_is_counted,
            future_releases::what_awaits_its_release_outlives_the_process,
            deadlines::what_is_overdue_is_leased,
            deadlines::deadlines_hold_whatever_an_entry_waits_for,
            deadlines::deadlines_end_and_are_told,
            deadlines::deadlines_outlive_the_process,
            queue_steering::entries_are_listed_in_pages,
            queue_steering::filters_pick,
            queue_steering::entries_are_held_from_the_beginning,
            queue_steering::what_is_held_with_its_account_is_told_from_the_rest,
            queue_steering::steering_steers,
            queue_steering::entries_are_diverted,
            queue_steering::steering_is_in_the_trail,
            queue_steering::entries_are_counted,
            queue_steering::leased_entries_are_not_steered,
            queue_steering::the_last_entry_frees_the_body,
            trail::events_are_kept_in_order,
            trail::recorded_events_are_found,
            trail::journeys_are_found_by_address,
            trail::journeys_are_found_by_message_id,
            trail::old_journeys_are_forgotten,
            trail::followers_hear_of_what_is_kept,
            transport::sts_policies_are_kept,
            transport::tls_histories_add_up,
            transport::tls_counts_add_up,
            transport::what_is_known_of_transport_is_durable,
            received_tls_reports::a_report_is_kept_once,
            received_tls_reports::reports_are_found,
            received_tls_reports::reports_add_up_by_day,
            received_tls_reports::one_source_cannot_flood,
            search_index::what_is_not_indexed_is_told,
            search_index::terms_are_matched,
            search_index::an_index_is_its_accounts_own,
            search_index::copies_and_moves_need_no_indexing,
            search_index::many_batches_become_one_index,
            search_index::what_is_gone_is_taken_out,
            search_index::another_version_counts_as_none,
            search_index::the_index_outlives_the_process,
            beginnings::beginnings_come_back,
            beginnings::beginnings_go_with_the_body,
            beginnings::headers_come_back,
            settings::settings_are_kept,
            settings::the_first_value_wins,
            settings::too_long_a_value_is_refused,
            sort_keys::sort_keys_come_back,
            sort_keys::sort_keys_go_with_the_body,
            concurrency::many_deliveries_into_the_same_mailboxes,
            concurrency::claims_never_meet,
            concurrency::writers_read_what_they_wrote,
            concurrency::flag_changes_do_not_lose_each_other,
            recovery::an_expunged_message_is_put_back,
            recovery::only_what_is_expunged_is_kept,
            recovery::messages_go_back_where_they_were,
            recovery::a_removed_account_can_be_looked_into,
            recovery::what_is_kept_is_forgotten,
            recovery::what_is_kept_is_listed_in_pages,
            recovery::what_is_kept_outlives_the_process,
            retention::retention_rules_are_kept,
            retention::a_scope_has_only_so_many_rules,
            retention::mailboxes_with_rules_are_found,
            retention::what_is_old_is_expunged,
            duplicates::duplicates_are_suppressed_where_asked,
            duplicates::duplicate_rules_are_kept,
            duplicates::one_of_many_at_once_is_delivered,
            duplicates::a_failed_delivery_is_not_remembered,
            persistence::mail_outlives_the_process,
            persistence::numbers_never_come_back,
            persistence::leases_do_not_outlive_the_process,
            persistence::the_directory_outlives_the_process,
        }
    };
    (@cases $harness:expr; $($module:ident :: $case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                let harness = $harness;
                $crate::conformance::run($crate::conformance::$module::$case(&harness));
            }
        )*
    };
}
