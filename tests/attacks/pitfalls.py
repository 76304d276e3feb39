"""What other systems of this kind fell for, and the tests here that would fail if ours did.

Each name is ``file`` below ``tests/`` and the beginning of a test in it. Names are promises: read them in order.
"""

from typing import Final

STAYS: Final = "attacks/test_a_proof_stays_where_it_was_given"
ONCE: Final = "attacks/test_a_code_is_accepted_once"
AFAR: Final = "attacks/test_a_confirmation_is_used_once_from_afar"
ENDS: Final = "attacks/test_a_confirmation_ends_with_what_it_rests_on"
BATCH: Final = "attacks/test_a_batch_is_no_wider_than_what_was_shown"
KEY: Final = "attacks/test_a_passkey_proves_what_it_signed"
CLONE: Final = "attacks/test_a_cloned_key_is_taken_from_both"
AAL3: Final = "attacks/test_only_a_key_that_stays_in_its_device_is_aal3"
STATED: Final = "attacks/test_a_statement_of_any_kind_vouches_only_for_what_it_says"
SWAP: Final = "attacks/test_factors_are_not_swapped_under_a_person"
WORN: Final = "attacks/test_a_worn_out_factor_is_not_replaced_by_a_password"
ALONE: Final = "attacks/test_what_is_somebody_elses_is_left_alone"
PHONE: Final = "attacks/test_a_phone_vouches_only_for_what_it_made"
LADDER: Final = "attacks/test_no_ladder_is_climbed"
ROUND: Final = "attacks/test_a_way_round_is_no_way"
SIGN_IN: Final = "attacks/test_signing_in_tells_and_gives_nothing"
PROXY: Final = "attacks/test_an_address_is_believed_only_from_our_own_proxies"
MAILED: Final = "attacks/test_a_mailed_link_lifts_nobody_elses_session"
WORD: Final = "attacks/test_a_products_word_is_worth_what_its_credential_allows"
PAGE: Final = "authlevels/test_the_page_asks_the_right_browser"
DOORS: Final = "authlevels/test_the_http_doors"
NEVER: Final = "attacks/test_a_token_is_never_more_than_its_session"
TOKEN: Final = "decisions/test_a_token_is_good_for_one_task"
USED: Final = "decisions/test_a_transaction_is_used_once"
WAITS: Final = "decisions/test_a_program_waits_for_a_person"
AGREE: Final = "decisions/test_others_have_to_agree"
CAPPED: Final = "attacks/test_a_new_factor_leads_no_higher_than_who_enrolled_it"
LIMIT: Final = "attacks/test_a_tenant_says_how_many_wrong_codes"
SERVICE_ONCE: Final = "attacks/test_a_service_does_once_what_was_agreed_once"
GIVEN: Final = "attacks/test_a_yes_is_for_whom_and_by_whom_it_was_given"
BORROWED: Final = "attacks/test_who_acts_as_another_agrees_to_nothing"
SUPPORT: Final = "attacks/test_support_never_elevates_as_somebody_else"
RULE: Final = "attacks/test_a_rule_is_not_talked_round"
ELSEWHERE: Final = "attacks/test_what_is_confirmed_is_for_one_environment"
RECOVERED: Final = "attacks/test_a_recovered_app_drives_out_no_other_factor"
RECOVERY: Final = "attacks/test_a_recovery_code_lifts_nobody"
PROGRAM: Final = "decisions/test_a_program_waits_for_a_person"
ENROL: Final = "decisions/test_a_plan_asks_its_people_to_enrol"
GUARDED: Final = "decisions/test_every_url_is_guarded"

# Rows of what is not built yet; their tests come with it.
OWED: Final[frozenset[str]] = frozenset()

type Promises = tuple[tuple[str, str], ...]

PITFALLS: Final[dict[str, Promises]] = {
    "1 a proof is bound to what was shown": (
        (ELSEWHERE, "test_what_was_confirmed_for_one_is_not_done_in_another"),
        (STAYS, "test_a_confirmed_amount_is_no_other_amount"),
        (AFAR, "test_what_was_confirmed_for_1200_is_refused_for_12000_and_stays_unused"),
        (USED, "test_a_changed_amount_or_payee_needs_its_own_step_up"),
        (KEY, "test_what_a_challenge_is_bound_to_is_part_of_what_is_signed"),
        (BATCH, "test_the_person_sees_how_many_how_large_and_for_whom"),
    ),
    "2 a challenge has a purpose": (
        (STAYS, "test_a_challenge_of_another_purpose_lifts_nothing"),
        (KEY, "test_an_answer_to_an_enrolment_confirms_nothing_and_the_other_way_round"),
    ),
    "3 use is checked where it is used": (
        (STAYS, "test_of_eight_writes_at_once_exactly_one_has_the_elevation"),
        (STAYS, "test_a_write_that_fails_gives_the_use_back"),
        (USED, "test_of_eight_at_once_exactly_one_is_allowed"),
        (AFAR, "test_a_tier_that_was_lost_meanwhile_is_seen_at_the_use"),
        (AFAR, "test_of_eight_uses_at_once_exactly_one_goes_ahead"),
        (ENDS, "test_an_end_and_a_use_at_once_never_both_stand"),
    ),
    "4 a code is accepted once, also in parallel": (
        (ONCE, "test_eight_threads_with_one_code_leave_exactly_one_elevation"),
        (ONCE, "test_a_code_that_was_used_is_refused_within_its_tolerance_and_by_another_session"),
        (ONCE, "test_an_older_code_is_refused_after_a_newer_one"),
    ),
    "5 wrong codes count over all challenges": (
        (ONCE, "test_ten_wrong_codes_lock_the_factor_over_new_challenges_and_sessions"),
        (ONCE, "test_a_hundred_wrong_codes_in_a_row_disable_the_factor"),
        (LIMIT, "test_a_hundred_disable_a_factor_whatever_the_policy_says"),
        (LIMIT, "test_the_database_refuses_a_limit_above_a_hundred_too"),
        (CLONE, "test_ten_wrong_signatures_pause_a_key_over_all_challenges_and_no_number_wears_it_out"),
    ),
    "6 a failure stays counted": (
        (ONCE, "test_a_failure_cannot_be_rolled_back_by_a_transaction_around_it"),
        (ONCE, "test_eighty_parallel_guesses_are_judged_ten_times_at_most"),
    ),
    "7 nothing is made younger or handed on": (
        (ROUND, "test_neither_use_nor_a_new_secret_makes_a_proof_any_younger"),
        (STAYS, "test_another_sign_in_of_the_same_person_freshens_no_older_session"),
        (TOKEN, "test_a_token_never_outlasts_its_elevation"),
        (TOKEN, "test_a_token_says_who_showed_what_when_and_for_what"),
        (NEVER, "test_neither_a_later_token_nor_a_new_sign_in_makes_what_was_shown_newer"),
    ),
    "8 factors are changed at the level held": (
        (SWAP, "test_who_has_an_app_neither_adds_nor_removes_one_with_the_password_alone"),
        (ROUND, "test_every_way_to_change_a_factor_asks_for_the_level_that_is_held"),
        (WORN, "test_who_has_only_the_password_cannot_wear_the_app_out_and_enrol_their_own"),
        (LADDER, "test_a_new_factor_leads_no_higher_than_who_enrolled_it"),
        (CAPPED, "test_an_app_that_a_password_enrolled_lifts_nobody_for_a_day_and_then_does"),
        (CAPPED, "test_who_has_only_the_password_does_not_shed_the_new_app"),
        (LADDER, "test_what_one_could_show_is_no_proof"),
    ),
    "9 recovery is capped, and no channel counts twice": (
        (RECOVERY, "test_a_code_lets_a_password_replace_the_lost_app_which_leads_no_higher_for_a_day"),
        (RECOVERY, "test_a_code_is_nothing_without_a_fresh_password_nor_in_another_session"),
        (RECOVERY, "test_what_a_code_left_enrols_nothing_by_the_way_of_changing_factors"),
        (RECOVERY, "test_eight_threads_with_one_code_leave_one_replacement"),
        (RECOVERY, "test_a_list_made_before_there_was_anything_of_ones_own_to_lose_drives_out_nothing_later"),
        (RECOVERED, "test_a_recovered_app_removes_no_passkey_and_changes_no_password_before_its_day_is_over"),
    ),
    "10 the signed flag of a verified user counts": (
        (KEY, "test_a_user_who_was_not_verified_is_refused_where_the_level_rests_on_it"),
        (KEY, "test_what_a_browser_is_asked_for_is_never_less_than_what_is_needed"),
    ),
    "11 what fails is closed": (
        ("kernel/test_laws", "test_a_fault_is_never_overruled"),
        ("kernel/test_laws", "test_without_tenant_member_or_session_a_person_is_never_allowed"),
        ("kernel/test_broken_facts", "test_"),
        ("decisions/test_the_database_is_away", "test_"),
        (PROXY, "test_an_address_is_the_one_our_outermost_proxy_saw_or_unknown"),
        (RULE, "test_to_leave_out_what_a_rule_reads_or_to_say_it_wrongly_is_no_way_round"),
        (RULE, "test_facts_that_cannot_be_read_are_refused_by_the_policy_itself"),
    ),
    "12 an address is believed from our own proxies": (
        (PROXY, "test_a_caller_cannot_leave_its_network_by_writing_a_header"),
    ),
    "13 a session's secret changes, and challenges wait by id": (
        (PAGE, "test_own_session_needs_no_hand_off_and_its_cookie_is_replaced"),
        (SIGN_IN, "test_a_renewed_secret_works_and_the_old_one_is_dead_at_once"),
        (ROUND, "test_several_challenges_wait_side_by_side_and_each_is_answered_by_its_id"),
    ),
    "14 nobody steps up as somebody else": (
        (SUPPORT, "test_nothing_is_asked_of_support_that_only_the_person_could_show"),
        (SUPPORT, "test_no_factor_is_enrolled_through_a_borrowed_session"),
        (SUPPORT, "test_every_record_says_who_acted_and_why_it_began_under_no_name_that_stays"),
        (SUPPORT, "test_only_support_begins_it_and_by_a_second_factor"),
    ),
    "15 approvals are others', each once, on fixed terms": (
        (SERVICE_ONCE, "test_a_view_inside_is_entered_once_for_one_yes"),
        (GIVEN, "test_no_other_credential_of_the_same_name_has_what_was_agreed_for_one"),
        (GIVEN, "test_who_comes_back_agrees_anew"),
        (BORROWED, "test_support_agrees_to_nothing_in_anybodys_name"),
        (BORROWED, "test_one_person_by_two_names_is_no_second_person"),
        (GIVEN, "test_a_persons_token_uses_up_what_others_agreed_to"),
        (ELSEWHERE, "test_what_a_colleague_agreed_to_for_one_is_not_done_in_another"),
        (AGREE, "test_nobody_agrees_to_what_they_asked_for_nor_twice"),
        (AGREE, "test_of_four_yeses_at_once_each_person_counts_once_and_no_more_than_are_needed"),
        (AGREE, "test_only_who_may_do_it_may_agree_to_it_and_a_yes_ends_with_the_membership"),
        (AGREE, "test_one_no_closes_it_and_asking_again_meets_the_same_no"),
        (AGREE, "test_a_yes_counts_for_no_stricter_requirement_and_not_after_its_hour"),
    ),
    "16 nobody is prompted until they give in": (
        (PROGRAM, "test_whoever_is_asked_too_often_is_asked_no_more"),
        (PROGRAM, "test_a_wrong_number_ends_it_for_good"),
        (STAYS, "test_eight_refusals_at_once_open_one_challenge"),
        (WAITS, "test_whoever_is_asked_too_often_is_asked_no_more"),
        (WAITS, "test_a_wrong_number_ends_it_for_good"),
        (WAITS, "test_wrong_numbers_count_together_over_all_codes_of_who_began"),
        (WAITS, "test_the_code_is_of_use_to_nobody_else_and_not_where_it_began"),
        (WAITS, "test_guessing_codes_is_counted_over_all_sessions_of_a_person"),
        (BATCH, "test_up_to_as_many_are_done_as_were_confirmed_and_then_no_more"),
    ),
    "17 levels are read from sets": (
        (LADDER, "test_a_fresh_key_stands_whatever_has_expired_below_it"),
        (LADDER, "test_the_order_in_which_proofs_were_given_plays_no_part"),
        (LADDER, "test_the_same_factor_twice_is_one_factor"),
    ),
    "18 every way in is guarded": (
        (GUARDED, "test_a_view_that_nobody_guards_stops_the_start"),
        (GUARDED, "test_no_address_lets_a_stranger_do_anything"),
        (ROUND, "test_every_task_takes_nothing_from_a_caller"),
    ),
}

ADVISORIES: Final[dict[str, Promises]] = {
    "Keycloak CVE-2026-97176": (
        (STAYS, "test_a_lower_live_session_never_meets_a_higher_requirement"),
        (LADDER, "test_a_level_that_is_not_reached_is_never_rounded_up"),
        (TOKEN, "test_a_token_is_never_for_more_than_was_confirmed"),
    ),
    "Keycloak CVE-2026-3429": ((ROUND, "test_every_way_to_change_a_factor_asks_for_the_level_that_is_held"),),
    "Keycloak CVE-2026-94218": (
        (SWAP, "test_beginning_again_kills_the_first_secret"),
        (SWAP, "test_an_unconfirmed_app_satisfies_nothing"),
        (RECOVERY, "test_a_code_replaces_one_factor_and_no_second_one"),
        (RECOVERY, "test_a_new_list_ends_what_a_code_of_the_old_one_left"),
        (ENROL, "test_who_did_not_enrol_in_time_is_asked_to_before_anything_else"),
        (ENROL, "test_neither_another_session_nor_enrolling_and_removing_it_gives_more_time"),
    ),
    "Keycloak CVE-2026-18963": (
        (ROUND, "test_another_way_needs_the_proof_of_that_way"),
        (ROUND, "test_half_an_answer_counts_in_no_other_challenge"),
    ),
    "Keycloak CVE-2026-9798, CVE-2026-16103": (
        (ONCE, "test_ten_wrong_codes_lock_the_factor_over_new_challenges_and_sessions"),
        (ONCE, "test_wrong_passwords_count_together_at_sign_in_and_in_challenges"),
        (LIMIT, "test_a_pause_that_a_strict_tenant_began_holds_at_a_lenient_one"),
        (SIGN_IN, "test_a_lock_holds_against_the_right_password_and_ends_after_thirty_minutes"),
    ),
    "Keycloak CVE-2026-8830": (
        (KEY, "test_a_user_who_was_not_verified_is_refused_where_the_level_rests_on_it"),
        (AAL3, "test_what_nobody_vouches_for_is_aal2_at_most"),
        (AAL3, "test_a_false_statement_enrols_nothing"),
        (STATED, "test_what_is_no_true_statement_enrols_nothing"),
        (STATED, "test_a_chip_does_not_vouch_for_a_key_that_was_brought_to_it_or_may_leave"),
        (STATED, "test_a_u2f_key_is_never_believed_to_have_verified_its_user"),
        (PHONE, "test_a_phones_statement_that_is_false_in_any_part_enrols_nothing"),
        (PHONE, "test_nobody_else_certifies_in_the_makers_name"),
    ),
    "Keycloak CVE-2026-37982, django-mfa2 CVE-2022-42731": (
        (STAYS, "test_a_passed_challenge_is_closed_for_every_further_code"),
        (SWAP, "test_beginning_again_kills_the_first_secret"),
        (KEY, "test_an_answer_counts_once_and_for_the_one_challenge_it_was_asked_for"),
        (MAILED, "test_a_code_is_redeemed_once_also_after_the_elevation_was_used_or_ended"),
    ),
    "Keycloak CVE-2026-9087": (
        (STAYS, "test_another_persons_code_lifts_nothing"),
        (KEY, "test_another_persons_key_confirms_nothing"),
    ),
    "Keycloak CVE-2026-8922, CVE-2026-9802": (
        (SIGN_IN, "test_a_deactivated_persons_sessions_die"),
        (TOKEN, "test_a_token_is_dead_as_soon_as_what_it_rests_on_is"),
        (TOKEN, "test_a_token_that_is_given_back_is_dead_and_nobody_else_can_give_it_back"),
        (LADDER, "test_coming_back_after_a_pause_brings_nothing_back"),
    ),
    "authentik CVE-2024-47070, CVE-2023-36456": (
        (PROXY, "test_an_address_is_the_one_our_outermost_proxy_saw_or_unknown"),
        (PROXY, "test_a_caller_cannot_leave_its_network_by_writing_a_header"),
    ),
    "authentik GHSA-xp7f-xjjx-gwm8, CVE-2026-54730": (
        (PAGE, "test_an_empty_post_completes_nothing"),
        (ONCE, "test_what_is_no_code_completes_nothing"),
        (MAILED, "test_what_a_link_confirms_counts_for_nothing_before_the_product_redeems_it"),
    ),
    "Kratos GHSA-wc43-73w7-x2f5, #3671, #3669": (
        (LADDER, "test_a_level_is_what_the_proofs_reach_together"),
        (ROUND, "test_every_way_to_change_a_factor_asks_for_the_level_that_is_held"),
        (ROUND, "test_every_page_that_changes_a_factor_asks_for_the_level_that_its_api_asks_for"),
        (ROUND, "test_no_page_of_the_account_takes_a_form_of_another_site_or_a_stranger"),
        (ROUND, "test_no_page_changes_another_persons_factor"),
        (ALONE, "test_nobody_replaces_anothers_app"),
        (ALONE, "test_recovery_codes_are_of_ones_own_list"),
    ),
    "ZITADEL CVE-2025-64103": (
        (CAPPED, "test_its_owner_removes_it_by_showing_it_and_is_lifted_by_that_nowhere_else"),
        (SWAP, "test_who_has_an_app_neither_adds_nor_removes_one_with_the_password_alone"),
        (LADDER, "test_what_one_could_show_is_no_proof"),
    ),
    "ZITADEL CVE-2025-46815, CVE-2026-105211, CVE-2026-119128, CVE-2026-27946": (
        (STAYS, "test_a_challenge_for_a_refusal_of_another_session_is_refused"),
        (MAILED, "test_a_code_redeems_no_other_challenge"),
        (ROUND, "test_no_code_or_password_is_echoed_or_written_down"),
        (SIGN_IN, "test_a_secret_moved_to_another_tenants_name_is_nobody"),
        (MAILED, "test_a_mark_left_on_an_own_sessions_challenge_opens_it_to_no_browser"),
        (ROUND, "test_nobody_says_of_themselves_that_they_were_verified"),
    ),
    "ZITADEL GHSA-mq4x-r2w3-j7mr": (
        (SIGN_IN, "test_every_sign_in_has_a_new_secret_and_only_its_digest_is_stored"),
        (PAGE, "test_own_session_needs_no_hand_off_and_its_cookie_is_replaced"),
    ),
    "allauth 65.2, 65.8.1, 65.13.0, 65.14.2": (
        (SIGN_IN, "test_guesses_spread_over_many_names_stop_at_the_networks_limit"),
        (SIGN_IN, "test_a_right_password_starts_the_accounts_count_again_but_not_the_networks"),
        (SIGN_IN, "test_a_deactivated_persons_sessions_die"),
    ),
    "django-two-factor-auth GHSA-vhr6-pvjm-9qwf": (
        (ROUND, "test_no_secret_of_a_factor_or_a_pending_login_is_kept_in_a_session"),
    ),
    "MISP CVE-2026-107276, CVE-2026-103655": (
        (ONCE, "test_eight_threads_with_one_code_leave_exactly_one_elevation"),
        (ONCE, "test_eight_threads_on_one_challenge_leave_exactly_one_elevation"),
    ),
    "Vikunja CVE-2026-35597": ((ONCE, "test_a_failure_cannot_be_rolled_back_by_a_transaction_around_it"),),
}
