import { join } from 'node:path';
import { RunReport } from '../run-report.ts';

/** Report of these tests. */
export const REPORT: RunReport = new RunReport(join(import.meta.dirname, '.reports'));
