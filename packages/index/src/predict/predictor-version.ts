/** Version of the rules of `predictProfile`. It changes when the same image gets another profile. */
export const PREDICTOR_VERSION = 5;
