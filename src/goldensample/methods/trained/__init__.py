"""Methods that train a network of their own on the good pictures; one paper, one file.

`training.fit` trains any of them and `detector.TrainedDetector` scores with what was trained; only
training needs torch. docs/how-to/add-a-trained-method.md says what a file here must hold.
"""
