import Foundation
import Testing

/// One mistake that a user can make, and the command that meets it.
struct BadInput: Sendable, CustomTestStringConvertible {
    /// What has to be running.
    enum Needs: Sendable { case nothing, planhat, postgres }

    /// The name of its golden file.
    var name: String
    var command: [String]
    var needs: Needs
    /// Replaced in the project file, in order.
    var edits: [(String, String)]
    /// Written besides it; nil takes a file away.
    var files: [String: String?]
    var environment: [String: String]
    /// Executed on the database.
    var sql: String
    /// Options of the sandbox.
    var sandbox: [String]

    init(
        _ name: String, _ command: String, needs: Needs = .nothing, edits: [(String, String)] = [],
        files: [String: String?] = [:], environment: [String: String] = [:], sql: String = ""
    ) {
        (self.name, self.needs, self.edits, self.files) = (name, needs, edits, files)
        (self.environment, self.sql, self.sandbox) = (environment, sql, [])
        self.command = command.split(separator: " ").map(String.init)
    }

    /// With a sandbox that does something else.
    func met(by sandbox: String...) -> BadInput {
        var changed = self
        changed.sandbox = sandbox
        return changed
    }

    /// Whether it is no failure, only something that is told.
    var isAllowed: Bool { ["nothing_in_the_table", "test_unknown_key"].contains(name) }

    var testDescription: String { name }

    static let all = projectFile + mappings + credentials + addresses + data + files + commandLine

    // MARK: - The project

    private static let check = "check --offline"

    static let projectFile: [BadInput] = [
        BadInput("project_missing", "run companies", files: ["sluice.yaml": nil]),
        BadInput("project_named_missing", "run companies --project other/sluice.yml"),
        BadInput("project_empty", check, files: ["sluice.yaml": ""]),
        BadInput("project_is_directory", "check --project .", files: [:]),
        BadInput("project_not_text", check, files: ["sluice.yaml": "version: 1\u{0}\u{1}\n"]),
        BadInput("yaml_bracket", check, edits: [("table: accounts}", "table: accounts")]),
        BadInput("yaml_tab", check, edits: [("  local:", "\tlocal:")]),
        BadInput("yaml_key_twice", check, edits: [("    from: accounts", "    from: accounts\n    from: accounts")]),
        BadInput("section_typo", check, edits: [("sources:", "sorces:")]),
        BadInput("sync_key_typo", check, edits: [("    mappings:", "    mapping:")]),
        BadInput("version_newer", check, edits: [("version: 1", "version: 2")]),
        BadInput("version_missing", check, edits: [("version: 1\n", "")]),
        BadInput("include_missing", check, edits: [("version: 1", "version: 1\ninclude: [syncs/people.yaml]")]),
        BadInput(
            "defined_twice", check, edits: [("version: 1", "version: 1\ninclude: [more.yaml]")],
            files: ["more.yaml": "sources:\n  local: {type: sqlite, path: other.db}\n"]),
        BadInput("from_missing", check, edits: [("    from: accounts\n", "")]),
        BadInput("key_missing", check, edits: [("    key: {column: id, field: externalId}\n", "")]),
        BadInput("source_type_typo", check, edits: [("type: sqlite", "type: sqllite")]),
        BadInput("setting_typo", check, edits: [("path: data.db", "pth: data.db")]),
        BadInput("dataset_source_typo", check, edits: [("source: local", "source: lokal")]),
        BadInput("dataset_typo", check, edits: [("from: accounts", "from: acounts")]),
        BadInput("destination_typo", check, edits: [("planhat.company", "planhta.company")]),
        BadInput("object_typo", check, edits: [("planhat.company", "planhat.compny")]),
        BadInput("object_without_destination", check, edits: [("planhat.company", "company")]),
        BadInput("behavior_typo", check, edits: [("update_or_create", "upsert")]),
        BadInput("behavior_of_another_object", check, edits: [("update_or_create", "send")]),
        BadInput(
            "guard_out_of_range", check,
            edits: [("    mappings:", "    guards: {invalid_percent_max: 500}\n    mappings:")]),
        BadInput(
            "cron_wrong", check, edits: [("    mappings:", "    schedule: {cron: \"0 25 * * *\"}\n    mappings:")]),
        BadInput("after_unknown", check, edits: [("    mappings:", "    schedule: {after: [company]}\n    mappings:")]),
        BadInput("environment_unknown", check + " --env staging"),
        BadInput("variable_missing", "run companies", edits: [("path: data.db", "path: \"${DATA_PATH}\"")]),
        BadInput("env_file_malformed", "run companies", files: [".env": "PLANHAT_API_KEY sandbox-token\n"]),
    ]

    static let mappings: [BadInput] = [
        BadInput("field_typo", check, edits: [("name: name", "nmae: name")]),
        BadInput("field_mapped_twice", check, edits: [("name: name", "name: name, externalId: id")]),
        BadInput("custom_without_name", check, edits: [("custom.Plan: plan", "custom.: plan")]),
        BadInput("required_field_missing", check, edits: [("{name: name, ", "{")]),
        BadInput("key_field_illegal", check, edits: [("field: externalId", "field: email")]),
        BadInput("key_field_typo", check, edits: [("field: externalId", "field: externalID")]),
        BadInput("key_cannot_create", check, edits: [("field: externalId", "field: _id")]),
        BadInput("template_later", check, edits: [("name: name", "name: {template: \"{{ record.name }}\"}")]),
        BadInput("lookup_unknown", check, edits: [("name: name", "name: name, owner: {column: plan, lookup: phone}")]),
        BadInput(
            "within_not_mapped", check,
            edits: [
                ("planhat.company", "planhat.end_user"), ("field: externalId", "field: externalId, within: seats"),
                ("{name: name, ", "{email: name, "),
            ]),
        BadInput("formula_not_writable", "plan companies", needs: .planhat, edits: [("custom.Plan", "health")]),
        BadInput("custom_unknown", "plan companies", needs: .planhat, edits: [("custom.Plan", "custom.Plans")]),
        BadInput("custom_unknown_run", "run companies", needs: .planhat, edits: [("custom.Plan", "custom.Plans")]),
    ]

    // MARK: - Connections

    static let credentials: [BadInput] = [
        BadInput("api_key_variable_missing", "run companies", environment: ["PLANHAT_API_KEY": ""]),
        BadInput("api_key_in_file", check, edits: [("\"${PLANHAT_API_KEY}\"", "sk-0123456789abcdef0123456789")]),
        BadInput("api_key_file_missing", "run companies", edits: [("\"${PLANHAT_API_KEY}\"", "{file: key.txt}")]),
        BadInput("api_key_wrong_check", "check planhat", needs: .planhat, environment: ["PLANHAT_API_KEY": "wrong"]),
        BadInput("api_key_wrong_run", "run companies", needs: .planhat, environment: ["PLANHAT_API_KEY": "wrong"]),
        BadInput("api_key_two_lines", "check planhat", needs: .planhat, environment: ["PLANHAT_API_KEY": "one\ntwo"]),
        BadInput(
            "api_key_may_not_write", "run companies", needs: .planhat
        ).met(by: "--fail", "status=403 method=PUT message=\"Missing permission: company.update\""),
        BadInput(
            "postgres_password_wrong", "check far", needs: .postgres, environment: ["WAREHOUSE_PASSWORD": "wrong"]),
        BadInput("postgres_password_missing", "check far", needs: .postgres, environment: ["WAREHOUSE_PASSWORD": ""]),
        BadInput(
            "postgres_database_unknown", "check far", needs: .postgres,
            edits: [("database: sluice_test", "database: sluice_tset")]),
        BadInput(
            "postgres_user_unknown", "check far", needs: .postgres, edits: [("user: sluice_test", "user: nobody_here")]),
    ]

    private static let address = "http://127.0.0.1:8471"

    static let addresses: [BadInput] = [
        BadInput("base_url_scheme", "check planhat", edits: [(address, "ftp://api.planhat.com")]),
        BadInput("base_url_malformed", "check planhat", edits: [(address, "http://")]),
        BadInput(
            "region_unknown", "check planhat", edits: [("base_url: \"\(address)\"", "region: \"Frankfurt am Main\"")]),
        BadInput(
            "region_unknown_run", "run companies", edits: [("base_url: \"\(address)\"", "region: \"${REGION}\"")],
            environment: ["REGION": "nowhere"]),
        BadInput("planhat_not_listening", "check planhat", edits: [(address, "http://127.0.0.1:1")]),
        BadInput("planhat_not_listening_run", "plan companies", edits: [(address, "http://127.0.0.1:1")]),
        BadInput("planhat_host_unknown", "check planhat", edits: [(address, "http://planhat.invalid")]),
        BadInput("planhat_plain_not_tls", "check planhat", needs: .planhat, edits: [("http://", "https://")]),
        BadInput("planhat_is_a_web_page", "check planhat", needs: .planhat).met(by: "--fail", "html"),
        BadInput(
            "planhat_wrong_path", "check planhat", needs: .planhat, edits: [("\", api_key", "/api/v9\", api_key")]),
        BadInput("postgres_not_listening", "check far", needs: .postgres, edits: [("port: PGPORT", "port: 1")]),
        BadInput(
            "postgres_host_unknown", "check far", needs: .postgres,
            edits: [("host: 127.0.0.1", "host: database.invalid")]),
        BadInput(
            "postgres_certificate_unknown", "check far", needs: .postgres,
            edits: [("sslmode: prefer", "sslmode: verify-full")]),
        BadInput(
            "postgres_sslmode_typo", "check far", needs: .postgres, edits: [("sslmode: prefer", "sslmode: verify")]),
        BadInput("postgres_port_not_a_number", "check far", needs: .postgres, edits: [("port: PGPORT", "port: five")]),
    ]

    // MARK: - Rows

    static let data: [BadInput] = [
        BadInput("table_typo", "plan companies", needs: .planhat, edits: [("table: accounts", "table: acounts")]),
        BadInput("column_typo", "plan companies", needs: .planhat, edits: [("name: name", "name: nmae")]),
        BadInput("column_case", "plan companies", needs: .planhat, edits: [("name: name", "name: Name")]),
        BadInput("key_column_typo", "plan companies", needs: .planhat, edits: [("column: id,", "column: ids,")]),
        BadInput(
            "sql_wrong", "plan companies", needs: .planhat, edits: [("table: accounts", "sql: selct * from accounts")]),
        BadInput(
            "sql_writes", "plan companies", needs: .planhat, edits: [("table: accounts", "sql: delete from accounts")]),
        BadInput("sql_two", "plan companies", needs: .planhat, edits: [("table: accounts", "sql: select 1; select 2")]),
        BadInput(
            "column_twice", "plan companies", needs: .planhat,
            edits: [("table: accounts", "sql: \"select *, name from accounts\"")]),
        BadInput(
            "postgres_table_typo", "preview warehouse_accounts", needs: .postgres,
            edits: [("pg_catalog.pg_class", "public.acounts")]),
        BadInput(
            "postgres_no_grant", "preview warehouse_accounts", needs: .postgres,
            edits: [("pg_catalog.pg_class", "pg_catalog.pg_authid")]),
        BadInput(
            "postgres_sql_wrong", "preview warehouse_accounts", needs: .postgres,
            edits: [("table: pg_catalog.pg_class", "sql: selct 1")]),
        BadInput(
            "number_expected", "run companies", needs: .planhat, sql: "update accounts set seats = 'many' where id = 3"),
        BadInput("date_expected", "run companies", needs: .planhat, edits: [("custom.Plan", "custom.Renewal Date")]),
        BadInput("boolean_expected", "run companies", needs: .planhat, edits: [("custom.Plan", "custom.Trial")]),
        BadInput("choice_expected", "run companies", needs: .planhat, edits: [("custom.Plan", "status")]),
        BadInput(
            "key_null_and_twice", "run companies", needs: .planhat,
            sql: "insert into accounts values (null, 'a', 'b', 1), ('  ', 'a', 'b', 1), (3, 'Twin', 'Free', 1)"),
        BadInput(
            "text_not_utf8", "run companies", needs: .planhat,
            sql: "update accounts set name = cast(x'ff41' as text) where id = 3"),
        BadInput("blob", "run companies", needs: .planhat, sql: "update accounts set plan = x'00ff' where id = 3"),
        BadInput("name_null", "run companies", needs: .planhat, sql: "update accounts set name = null where id = 3"),
        BadInput(
            "company_unknown", "run companies", needs: .planhat,
            edits: [
                ("planhat.company", "planhat.end_user"), ("field: externalId", "field: sourceId"),
                ("{name: name, ", "{companyId: {column: seats, lookup: externalId}, firstName: name, "),
            ]),
        BadInput("nothing_in_the_table", "run companies", needs: .planhat, sql: "delete from accounts"),
    ]

    // MARK: - Files

    static let files: [BadInput] = [
        BadInput("sqlite_missing", "check local", files: ["data.db": nil]),
        BadInput("sqlite_is_directory", "check local", edits: [("path: data.db", "path: .")]),
        BadInput("sqlite_is_text", "check local", files: ["data.db": "id,name\n1,Acme\n"]),
        BadInput("sqlite_is_empty", "plan companies", needs: .planhat, files: ["data.db": ""]),
        BadInput("sqlite_cut_off", "plan companies", needs: .planhat, files: ["data.db": "CUT"]),
        BadInput("state_is_a_file", "run companies", needs: .planhat, files: [".sluice": "hello"]),
        BadInput(
            "state_database_damaged", "run companies", needs: .planhat,
            files: [".sluice/sluice.db": "hello, this is no database at all"]),
    ]

    static let commandLine: [BadInput] = [
        BadInput("command_typo", "rum companies"),
        BadInput("option_typo", "run companies --ful"),
        BadInput("run_nothing", "run"),
        BadInput("run_all_and_one", "run companies --all"),
        BadInput("run_limit_zero", "run companies --limit 0"),
        BadInput(
            "run_limit_of_removals", "run companies --limit 1",
            edits: [("update_or_create", "delete"), ("    mappings: \(CompanyProject.mappings)\n", "")]),
        BadInput("run_limit_not_a_number", "run companies --limit ten"),
        BadInput("run_guard_unknown", "run companies --accept-guard emtpy_scan", needs: .planhat),
        BadInput("run_plan_and_full", "run --plan companies.plan --full"),
        BadInput("run_plan_missing", "run --plan companies.plan"),
        BadInput("run_plan_of_text", "run --plan companies.plan", files: ["companies.plan": "hello"]),
        BadInput("plan_out_of_two", "plan companies people --out companies.plan"),
        BadInput("plan_out_nowhere", "plan companies --records 0 --out nowhere/companies.plan", needs: .planhat),
        BadInput("sync_typo", "run compnies"),
        BadInput("check_unknown", "check planhta"),
        BadInput("check_unknown_offline", "check planhta --offline"),
        BadInput("tables_unknown", "tables warehouse"),
        BadInput("preview_unknown", "preview acounts"),
        BadInput("objects_unknown", "objects planhta"),
        BadInput("object_unknown", "objects planhat compny"),
        BadInput("show_no_runs", "show"),
        BadInput("show_unknown", "show 12"),
        BadInput("cancel_not_a_number", "cancel twelve"),
        BadInput("runs_unknown_sync", "runs compnies"),
        BadInput("records_outcome_typo", "records --outcome refused"),
        BadInput("resend_nothing", "resend companies"),
        BadInput("confirm_nothing", "confirm companies"),
        BadInput("test_unknown_key", "test companies --key 4711", needs: .planhat),
        BadInput("reset_nobody_to_ask", "reset companies", needs: .planhat),
        BadInput("init_again", "init ."),
        BadInput("sandbox_open_to_all", "sandbox --listen 0.0.0.0:8471"),
        BadInput("sandbox_listen_wrong", "sandbox --listen here"),
        BadInput("sandbox_rule_wrong", "sandbox --fail sometimes"),
        BadInput("sandbox_switch_wrong", "sandbox --switch nulls=keep"),
        BadInput("completions_unknown", "completions tcl"),
    ]
}
