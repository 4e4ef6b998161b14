export { type BundledPackage, listBundledPackages, type Metafile } from './bundled-packages.ts';
export { formatNotices } from './notices.ts';
export { type BundledProduct, formatSbom } from './sbom.ts';
