/** Progress of long work, one event at a time; renderers turn it into bars, lines or JSON. */
export type Progress =
  | {
      readonly kind: "layer";
      readonly digest: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: "step"; readonly text: string }
  | { readonly kind: "warning"; readonly text: string };

export type OnProgress = (progress: Progress) => void;
