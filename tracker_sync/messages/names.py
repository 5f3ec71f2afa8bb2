"""The names of the properties that a message may have; the merchant's own must differ."""

NAMES = frozenset(
    """
    TrackingNumber TrackingURL Carrier CarrierName Service Direction Status PreviousStatus
    StatusText Detail Problem Correctable OccurredAt DeliveredAt EstimatedDelivery EstimateSource
    EstimatedLatest DestinationCountry OrderNumber OrderNumbers OrderID ParcelNumber ParcelCount
    TransitDays PickupType PickupName PickupAddress PickupUntil RerouteURL TrackingPageURL ReviewURL
    Language ItemNames Items ConsentBasis
    """.split()  # noqa: SIM905 - reads better than 32 lines
)
