//! The agent through its API, with real pods. They need root and say so where it is missing.

mod activity;
mod bench;
mod conformance;
mod content;
mod gpu;
mod harness;
mod images;
mod lifecycle;
mod probe;
mod sessions;
mod tasks;
mod volumes;

use harness::{Trial, trial};

const TRIALS: &[Trial] = &[
    trial!(lifecycle::a_pod_lives_and_leaves_nothing),
    trial!(lifecycle::how_long_a_command_ran_is_the_same_at_every_look),
    trial!(lifecycle::pods_and_tasks_outlive_the_agent),
    trial!(lifecycle::what_does_not_fit_is_refused_by_name),
    trial!(lifecycle::gpus_are_given_to_one_pod_at_a_time),
    trial!(lifecycle::a_missing_image_fails_the_pod_for_good),
    trial!(lifecycle::a_pod_is_removed_while_it_is_made),
    trial!(lifecycle::a_pod_that_was_begun_is_gone_on_with),
    trial!(lifecycle::what_is_on_the_machine_is_for_its_owner_alone),
    trial!(lifecycle::mistakes_are_said_at_once),
    trial!(images::what_cannot_be_started_fails_with_its_reason),
    trial!(images::a_password_is_kept_only_while_an_image_is_fetched),
    trial!(sessions::a_command_talks_on_pipes),
    trial!(sessions::a_terminal_has_a_size_and_ends),
    trial!(sessions::a_command_ends_with_its_client),
    trial!(sessions::signals_reach_the_command),
    trial!(sessions::a_port_inside_is_reached),
    trial!(tasks::a_log_is_followed_to_its_end),
    trial!(tasks::a_task_that_ignores_signals_is_killed),
    trial!(tasks::what_cannot_be_started_says_why),
    trial!(content::trees_go_in_and_come_out),
    trial!(content::broken_content_is_refused),
    trial!(content::work_on_files_ends_with_its_caller_and_with_the_pod),
    trial!(probe::a_good_pod_passes_the_gate),
    trial!(gpu::a_real_gpu_is_the_same_on_the_host_and_in_the_pod),
    trial!(activity::each_kind_of_use_is_seen),
    trial!(activity::a_sleeping_pod_does_nothing_also_while_the_agent_is_replaced),
    trial!(activity::a_gpu_that_works_is_seen),
    trial!(volumes::a_volume_goes_from_pod_to_pod),
    trial!(volumes::a_volume_that_does_not_fit_is_refused),
    trial!(volumes::a_volume_that_cannot_be_read_keeps_its_room_and_nothing_else),
    trial!(volumes::a_volume_stays_where_a_file_or_a_link_is_sent),
    trial!(conformance::our_hosts_keep_the_suppliers_contract),
];

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|word| word == "shim") {
        std::process::exit(livery_runtime::shim::main(arguments));
    }
    harness::run(TRIALS);
}
