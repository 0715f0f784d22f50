CREATE VIEW stg_cost_events (
  event_id OPTIONS(description="Hex SHA-256 of platform, endpoint, the identifying fields and an ordinal among identical rows; never of a mutable amount. Unique."),
  event_date OPTIONS(description="The UTC day of the event, and the partition."),
  event_timestamp OPTIONS(description="When the event happened; midnight UTC of event_date where the vendor reports whole days."),
  event_type OPTIONS(description="usage, cost or session."),
  platform OPTIONS(description="Vendor that reported the event: cursor, anthropic."),
  platform_subtype OPTIONS(description="Product within the platform as the payload tells: cursor, claude_api, claude_code, claude_web. The facts may refine it from the key's mapping."),
  user_email OPTIONS(description="E-mail address in the payload, lower case. NULL where the payload names nobody."),
  api_key_id OPTIONS(description="Vendor's id of the API key. NULL for Workbench, OAuth and service-account traffic and where not reported."),
  actor_name OPTIONS(description="Name of the API key that acted, where the vendor names the key instead of a person. Not unique at the vendor."),
  vendor_user_id OPTIONS(description="Vendor's own id of the person or service account that acted, where it reports one."),
  identity_type OPTIONS(description="What the event is joined to people by, the first that it carries: email, api_key_id, api_key_name or vendor_user_id. NULL where it names nobody."),
  workspace_id OPTIONS(description="Vendor's workspace. NULL means the default workspace, or not reported."),
  workspace OPTIONS(description="workspace_id, empty where it is NULL: comparable."),
  billing_account_id OPTIONS(description="Account that the contract or invoice names; NULL for vendors' reports."),
  account OPTIONS(description="billing_account_id, empty where it is NULL: comparable."),
  model OPTIONS(description="Model as the vendor names it."),
  price_tier OPTIONS(description="batch or standard: whose list price holds. NULL for a cost line that names no tier, which may bill both."),
  context_window OPTIONS(description="Context length class as the vendor names it: 0-200k, 200k-1M."),
  weight_class OPTIONS(description="Of a cost line the column of usage that it counts, whose counts split it: input_tokens, output_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens or web_search_requests. NULL for none of them; a class that nobody here has heard of is its own."),
  cost_usd OPTIONS(description="Money that the vendor bills for this event, US dollars. NULL where the event bills nothing."),
  cost_type OPTIONS(description="What is billed, in the words of the vendor or file: the token class, web_search, code_execution, session_usage, subscription, overage, one_time, or a line kind of other_costs.csv. fact_ai_costs.cost_type says it in four words for all vendors."),
  billing_period OPTIONS(description="How the vendor bills it: monthly, daily, usage_based."),
  billing_month_days OPTIONS(description="Days of the billing month that a seat's day belongs to, 28 to 31; it begins on the contract's billing_day. NULL for other events."),
  cost_center OPTIONS(description="Cost centre that the contract or cost entry names itself."),
  project_codes OPTIONS(description="Projects that the cost entry names itself."),
  cost_currency OPTIONS(description="ISO 4217 code of the currency that the vendor billed in."),
  exchange_rate OPTIONS(description="US dollars for one unit of cost_currency, where the amount was converted."),
  exchange_rate_date OPTIONS(description="Day of the exchange rate."),
  exchange_rate_source OPTIONS(description="Where the exchange rate comes from."),
  is_rate_stale OPTIONS(description="True where the exchange rate was more than 31 days old on the day that the amount is converted on. NULL where nothing was converted."),
  attribution_method OPTIONS(description="What the payload itself carries: direct_email, api_key_mapping (a key id), key_name, vendor_user_id, shared (a seat that nobody holds, a cost of all), unnamed (nobody, in a report that names whom it can), or unknown. Looking people up happens in the facts."),
  data_quality_score OPTIONS(description="1 minus the weights of the rules that the row broke; 0 where a critical rule broke."),
  is_provisional OPTIONS(description="True while the vendor may still change the day: fetched before the day's end plus the endpoint's settle time."),
  ingest_timestamp OPTIONS(description="When the answer that holds the event was fetched."),
  cost_kind OPTIONS(description="What fact_ai_costs calls cost_type: subscription, usage, overage or one_time."),
  line_kind OPTIONS(description="The kind of invoice line that bills it: usage, seat or other."),
  split_class OPTIONS(description="weight_class, unclassed where it is NULL: which usage splits the line."),
  billed_item OPTIONS(description="What the line bills, in one word: its class, else its cost_type. Lines that differ in nothing else bill the same usage."),
  is_splittable OPTIONS(description="True for a line of a cost report, which names no bearer and is split by usage; false for what bears its own cost: events with an identity, shared and unnamed ones, and those with a critical error."),
  billable_requests OPTIONS(description="Requests that the event itself stands for: 1 for overage. NULL for other cost.")
)
OPTIONS(
  description="Events that bill something, classified: one row per cost event."
)
AS
SELECT
  event_id, event_date, event_timestamp, event_type, platform, platform_subtype, user_email,
  api_key_id, actor_name, vendor_user_id, identity_type, workspace_id, workspace,
  billing_account_id, account, model, price_tier, context_window, weight_class, cost_usd,
  cost_type, billing_period, billing_month_days, cost_center, project_codes, cost_currency,
  exchange_rate, exchange_rate_date, exchange_rate_source, is_rate_stale, attribution_method,
  data_quality_score, is_provisional, ingest_timestamp,
  cost_kind(cost_type) AS cost_kind,
  line_kind(cost_type) AS line_kind,
  COALESCE(weight_class, 'unclassed') AS split_class,
  COALESCE(weight_class, cost_type, '') AS billed_item,
  event_type = 'cost' AND identity_type IS NULL
    AND attribution_method NOT IN ('shared', 'unnamed')
    AND data_quality_score > 0 AS is_splittable,
  CAST(IF(cost_type = 'overage', 1, NULL) AS INT64) AS billable_requests
FROM stg_events
-- Every day, as in stg_events.
WHERE event_date >= DATE '1900-01-01' AND cost_usd IS NOT NULL
