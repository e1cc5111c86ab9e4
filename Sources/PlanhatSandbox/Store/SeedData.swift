/// What an account has before anybody writes to it: three users and some custom fields.
enum SeedData {
    static let users = """
        [{"email":"anna.berg@example.com","nickName":"Anna","firstName":"Anna","lastName":"Berg","inactive":false},
         {"email":"joao.silva@example.com","nickName":"João","firstName":"João","lastName":"Silva","inactive":false},
         {"email":"mei.tanaka@example.com","nickName":"Mei","firstName":"Mei","lastName":"Tanaka","inactive":false}]
        """

    static let customFields = """
        [{"parent":"company","name":"Plan","type":"list","listValues":["Free","Team","Business","Enterprise"]},
         {"parent":"company","name":"Seats","type":"number"},
         {"parent":"company","name":"Renewal Date","type":"date"},
         {"parent":"company","name":"MRR","type":"number"},
         {"parent":"company","name":"Trial","type":"checkbox"},
         {"parent":"company","name":"Revenue per Seat","type":"number","isFormula":true,
          "formula":"<<custom.MRR>> / <<custom.Seats>>"},
         {"parent":"enduser","name":"Plan","type":"list","listValues":["Free","Team","Business","Enterprise"]},
         {"parent":"enduser","name":"Seats","type":"number"},
         {"parent":"enduser","name":"Renewal Date","type":"date"},
         {"parent":"enduser","name":"MRR","type":"number"},
         {"parent":"enduser","name":"Trial","type":"checkbox"},
         {"parent":"enduser","name":"Activity Score","type":"number","isFormula":true,"formula":"<<beatsTotal>> / 100"}]
        """

    /// Fills an empty state. The totals stay at zero: nothing of this was sent by anybody.
    static func fill(_ state: inout StoreState, now: Int64) {
        for (model, text) in [(SandboxModel.users, users), (.customFields, customFields)] {
            var writer = RowWriter(model, state.switches, now: now, refuse: nil)
            let payload: Payload
            do {
                payload = try Payload.rows(Array(text.utf8), &state.names)
            } catch {
                preconditionFailure("the seed data are not JSON: \(error)")
            }
            for row in payload.rows { _ = writer.write(row, of: payload, in: &state) }
            state.totals[model.rawValue] = RowTotals()
        }
        state.createdKeys = []
        state.createdAgain = [:]
        state.readCustomFields()
    }
}
