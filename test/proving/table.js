export function printReport(x, seed, problems) { console.dir({ x, seed, problems }, { depth: 5 }); }
