// The skeleton of the stepper. Words come from texts.json, numbers from the data.

export const FRAME = `
<div class="head">
  <div class="heading">
    <h1 data-part="title"></h1>
    <p data-part="subtitle"></p>
  </div>
  <div class="tools">
    <div class="group" data-part="views" role="group" data-label="view" hidden>
      <button type="button" data-view="step" data-word="one-step"></button>
      <button type="button" data-view="training" data-part="to-training"></button>
    </div>
    <label><span data-word="planted-bug"></span> <select data-part="bug"></select></label>
    <div class="group" data-part="languages" role="group" data-label="language"></div>
  </div>
</div>

<div class="step-view" data-part="step-view">
  <div class="graph" data-part="graph" role="group" data-label="graph">
    <div class="plane"><svg class="edges" aria-hidden="true"></svg></div>
  </div>

  <div class="controls" data-part="controls" role="group" data-label="steps">
    <div class="group">
      <button type="button" data-part="to-forward" data-word="forward" data-title="forward-title"></button>
      <button type="button" data-part="back" data-label="back" data-title="back-title">&#9664;</button>
      <button type="button" data-part="play" data-word="play" data-title="play-title"></button>
      <button type="button" data-part="next" data-label="next" data-title="next-title">&#9654;</button>
      <button type="button" data-part="to-backward" data-word="backward" data-title="backward-title"></button>
    </div>
    <div class="slide">
      <div class="phases" data-part="phases" aria-hidden="true"></div>
      <input type="range" data-part="slider" min="0" value="0" data-label="step">
    </div>
    <output data-part="count"></output>
  </div>

  <div class="panel" data-part="panel">
    <div class="title">
      <span class="phase" data-part="phase"></span>
      <h2 data-part="box"></h2>
      <span class="kind" data-part="kind"></span>
      <div class="lines" data-part="lines" role="group" data-label="lines"></div>
    </div>
    <p class="notice" data-part="bugline" hidden></p>
    <p class="notice inside" data-part="inside" hidden></p>
    <div class="explained">
      <div class="math" data-part="math">
        <div class="code"><code data-part="source"></code><span data-part="place"></span></div>
        <div class="formula" data-part="formula"></div>
        <div class="numbers" data-part="numbers"></div>
        <div class="check" data-part="check"></div>
        <div class="note" data-part="note"></div>
      </div>
      <aside class="story" data-label="story">
        <p data-part="why"></p>
        <p class="links" data-part="links"></p>
      </aside>
    </div>
    <div class="arrays" data-part="arrays"></div>
  </div>
  <p class="unseen" data-part="said" aria-live="polite"></p>
</div>

<div class="training-view" data-part="training-view" hidden></div>

<div class="foot">
  <p data-part="keys"></p>
  <p><span data-word="legend"></span>
    <span class="nowrap">−<span class="scale value"></span>+ <span data-word="legend-values"></span></span>
    <span class="nowrap">−<span class="scale gradient"></span>+ <span data-word="legend-gradients"></span></span>
    <span data-word="legend-scale"></span></p>
</div>
`;
