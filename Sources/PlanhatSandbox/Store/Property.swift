/// The top-level properties that the sandbox knows, of all models together. Keys come first: their numbers must stay
/// below 256.
package enum Property: UInt16, CaseIterable, Sendable {
    case id, sourceId, externalId, extId, email, companyId, cId, name, custom
    case owner, coOwner, phase, status, description, address, country, city, zip, phonePrimary, web, tags, slug
    case csmScore, domains
    case firstName, lastName, position, phone, featured, primary, archived, otherEmails, npsUnsubscribed
    case sharedNotificationsPrefs, createDate, lastActive
    case nickName, roles, inactive, isHidden, tzOffset, notificationsEnabled, managers, teams, isExposedAsSenderOption
    case type, parent, listValues, isFeatured, isShared, isLocked, isMandatory, isFormula, formula
    case _currency, currency, value, mrr, arr, nrr, product, fromDate, toDate, fixedPeriod, renewalStatus, autoRenews
    case renewalPeriod, renewalUnit, noticePeriod, noticeUnit, toDateIncluded, invoiceCycle, invoiceCycleInterval
    case salesDate, churnDate, reasons, products, comment, onlyDowngrade, snoozed
    case invoiceDate, dueDate, paidDate, amountTotal, addressCountry
    case title, salesStage, dealDate, landingDate, closeDate, contractLength, stage, total, fees
    case dealId, productId, length, renewalMrr, packages, color
    case serialNumber, installDate, ownerId, followers, campaignPurpose, health, startDate, endDate
    case score, campaignId, dateSent, dateAnswered, source, euId
    case companyIds, enduserIds, conversationIds, priority, sourceUrl
    case subject, date, outDate, users, endusers, activityTags, starred, pinned, companyExternalId, subType
    case url, severity, timeSpent, history, agentEmail, createdAt, updatedAt
    case mainType, action, startTime, endTime, dateDone, `repeat`, repeatDays, checklist, noSpecificTime, shared
    case hours, isTimeOff, isBillable, billingCode, billableRate, costRate
    case timeEntries, assignedModel, assignedId, dateFrom, dateTo, approvedBy, dateOfApproval

    package var text: String { Self.texts[Int(rawValue)] }

    private static let texts = allCases.map { $0 == .id ? "_id" : String(describing: $0) }
}
