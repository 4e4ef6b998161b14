export { RegistryJobsError, type RegistryJobsErrorCode } from './errors.ts';
export {
  type CostItem,
  estimateRun,
  type LambdaSetting,
  PRICES,
  PRICES_DATE,
  type Price,
  PUTS_PER_IMAGE,
  type RunEstimate,
  type RunSetting,
  type RunWork,
} from './estimate/estimate-run.ts';
export {
  type DeleteGarbageOptions,
  type DeletionKeptReason,
  type DeletionOutcome,
  type DeletionPolicy,
  type DeletionResult,
  deleteGarbage,
} from './garbage/delete-garbage.ts';
export { type FindGarbageOptions, findGarbage } from './garbage/find-garbage.ts';
export {
  DEFAULT_GARBAGE_AGE,
  type GarbageItem,
  type GarbagePlan,
  type GarbagePolicy,
  type GarbageReason,
  type KeptItem,
  type KeptReason,
} from './garbage/garbage-plan.ts';
export { type ImagesInUse, NOTHING_IN_USE, parseImagesInUse } from './garbage/images-in-use.ts';
export { type ManifestFacts, type ManifestKind, readManifestFacts } from './garbage/manifest-facts.ts';
export { planGarbage } from './garbage/plan-garbage.ts';
export type { KnownFacts, RepositoryState } from './garbage/repository-state.ts';
export { type RestoredTag, type RestoreResult, type RestoreTarget, restoreGarbage } from './garbage/restore-garbage.ts';
export { createUndoFile, readUndoFile, type SavedManifests, type UndoFile } from './garbage/undo-file.ts';
export {
  type ParsedUndoLog,
  parseUndoLog,
  type UndoEntry,
  UndoFormatter,
  type UndoHeader,
  type UndoLog,
  type UndoManifest,
} from './garbage/undo-log.ts';
export { explainLifecycle, type LifecycleEffect, type RuleExplanation } from './lifecycle/explain-lifecycle.ts';
export { type LifecyclePolicy, type LifecycleRule, parseLifecyclePolicy } from './lifecycle/lifecycle-policy.ts';
export { proposeLifecycle } from './lifecycle/propose-lifecycle.ts';
export {
  type CurrentImage,
  type ImagePlan,
  type ImageTag,
  needsIndex,
  type PlannedImage,
  type PlanSkipReason,
  type SkippedImage,
  type StaleImage,
} from './plan/image-plan.ts';
export {
  type FailedRepository,
  listRepository,
  type PlannedRepository,
  type PlanOptions,
  planRegistry,
  type RepositoryReport,
} from './plan/plan-registry.ts';
export { type ListedRepository, planRepository } from './plan/plan-repository.ts';
export type { IndexPolicy } from './plan/policy.ts';
export { describeRepository, type RepositoryStatus } from './plan/repository-status.ts';
export type { RootFacts, RootFactsByDigest } from './plan/root-facts.ts';
export { type FinishedImage, type ImageOutcome, type OutcomeCounts, outcomeOfError } from './run/image-outcome.ts';
export { type FileLock, lockFile } from './run/lock-file.ts';
export { type RunOptions, type RunProgress, type RunResult, runPlan } from './run/run-plan.ts';
export { openStateFile, type StateFile, type StateIdentity } from './run/state-file.ts';
