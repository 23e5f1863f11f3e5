/** What a server's process answers to the load generator: what it cost, and whether it was the one that was busy. */
export function answerQuestions(url) {
  // However the run ends, this process ends with it.
  process.on('disconnect', () => process.exit());
  process.on('message', (question) => {
    if (question === 'memory') globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const { active, idle } = performance.eventLoopUtilization();
    const { rss, heapUsed } = process.memoryUsage();
    process.send({ cpu: user + system, active, idle, rss, heapUsed });
  });
  process.send({ url });
}
