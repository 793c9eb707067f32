package pipeline

// VendorTables are the tables of all streams.
var VendorTables = vendorTables
