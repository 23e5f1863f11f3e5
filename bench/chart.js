export function writeCharts() {}
