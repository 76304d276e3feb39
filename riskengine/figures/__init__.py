"""What a tenant's recorded signals tell people: one question a file, each over some days, each within bounds."""
