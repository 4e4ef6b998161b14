import { join } from 'node:path';
import { RunReport } from '../run-report.ts';

/** What these tests leave. */
export const REPORT: RunReport = new RunReport(join(import.meta.dirname, '.reports'));
