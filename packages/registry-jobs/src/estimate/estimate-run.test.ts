import { estimateRun, PRICES, PRICES_DATE, RegistryJobsError } from '@soci/registry-jobs';
import { describe, expect, it } from 'vitest';

/** 100,000 images of 437 MB. */
const WORK = { images: 100_000, bytes: 100_000 * 437e6 };

describe('an estimate', () => {
  it('of 100,000 images at 10 manifests per second takes 8.3 hours if there are enough jobs', () => {
    const { puts, seconds, putSeconds, buildSeconds } = estimateRun(WORK, { jobs: 100, putsPerSecond: 10 });
    expect([puts, seconds, putSeconds]).toEqual([300_000, 30_000, 30_000]);
    expect(buildSeconds).toBeCloseTo((100_000 + 43_700e9 / 60e6) / 100);
  });

  it('takes as long as the jobs need if pushes are not limited', () => {
    const estimate = estimateRun(WORK, { jobs: 10 });
    expect(estimate.seconds).toBe(estimate.buildSeconds);
    expect(estimate.formula).toBe('(100000 images x 1 s + 43700 GB / 60 MB/s) / 10 jobs');
    expect([estimate.costs, estimate.usd, estimate.maxUsd]).toEqual([[], 0, 0]);
  });

  it('has the cost of Amazon ECR with its formula, and says what depends on the account', () => {
    const { costs, usd, maxUsd } = estimateRun(WORK, { jobs: 10, putsPerSecond: 5, billed: 'ecr' });
    expect(costs.map(({ name, usd, formula, condition = '' }) => [name, Math.round(usd), formula, condition])).toEqual([
      [
        'compute',
        11,
        '230.1 vCPU-hours x $0.04937',
        'if the command runs on AWS Fargate, with 1 vCPU and 2 GB for each job',
      ],
      ['storage of indexes, each month', 175, '1748 GB-months x $0.1', ''],
      ['Amazon Inspector', 9000, '100000 pushed images x $0.09', 'if enhanced scanning covers the repositories'],
      ['NAT gateway', 1967, '43700 GB x $0.045', 'if the command reaches Amazon S3 through a NAT gateway'],
      ['transfer out', 3933, '43700 GB x $0.09', 'if the command runs outside of the Region'],
    ]);
    // Without the NAT gateway: transfer out is the larger of the two.
    expect([Math.round(usd), Math.round(maxUsd)]).toEqual([175, 13_119]);
  });

  it('has the cost of functions', () => {
    const billed = { memory: 1769, architecture: 'arm64' } as const;
    const names = estimateRun(WORK, { jobs: 10, putsPerSecond: 10, billed }).costs.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual(['Lambda', 'Lambda requests', 'Step Functions']);
    expect(names.at(-1)).toBe('NAT gateway');
  });

  it('of nothing is nothing', () => {
    expect(estimateRun({ images: 0, bytes: 0 }, { jobs: 4, putsPerSecond: 5, billed: 'ecr' })).toMatchObject({
      puts: 0,
      seconds: 0,
      maxUsd: 0,
    });
  });

  it('rejects numbers that are not', () => {
    expect(() => estimateRun({ images: Number.NaN, bytes: 0 }, { jobs: 1 })).toThrow(RegistryJobsError);
  });
});

it('every price has a unit and a source, and all have a date', () => {
  expect(PRICES_DATE).toMatch(/^\d{4}-\d\d-\d\d$/);
  for (const { usd, unit, source } of Object.values(PRICES)) {
    expect(usd).toBeGreaterThan(0);
    expect(unit + source).toMatch(/aws\.amazon\.com\/[\w-]+\/pricing$/);
  }
});
