/** Ends a check: one line when there is no problem, a line for each and exit code 1 when there are. */
export function report(subject: string, problems: readonly string[]): void {
  for (const problem of problems) console.log(`fail  ${subject}: ${problem}`);
  if (problems.length === 0) console.log(`pass  ${subject}`);
  else process.exitCode = 1;
}
